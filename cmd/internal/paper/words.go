package paper

import (
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Language is what a document is written in.
type Language string

// The languages.
const (
	Russian Language = "ru"
	Kazakh  Language = "kk"
	English Language = "en"
)

// Languages lists all languages in a fixed order: that of the columns of the tables below.
func Languages() []Language { return []Language{Russian, Kazakh, English} }

// tongue is the column of a language.
type tongue int

func tongueOf(l Language) (tongue, error) {
	for i, known := range Languages() {
		if l == known {
			return tongue(i), nil
		}
	}
	return 0, fmt.Errorf("language %q is none of ru, kk, en", string(l))
}

type word int

const (
	wordTitle word = iota
	wordMerchant
	wordGateway
	wordProvider
	wordAccount
	wordPeriod
	wordFrom
	wordTo
	wordZone
	wordCreated
	wordMissing
	wordIncomplete
	wordNone
	wordTotals
	wordCurrency
	wordChargesNumber
	wordChargesSum
	wordRefundsNumber
	wordRefundsSum
	wordFees
	wordFeesExpected
	wordNet
	wordOpen
	wordSummary
	wordOperations
	wordNoOperations
	wordTooMany
	wordTime
	wordDay
	wordKind
	wordOrder
	wordReference
	wordExternal
	wordAmount
	wordFee
	wordFeeSource
	wordTold
	wordExpected
	wordExpectedNote
	wordState
	wordPayout
	wordCharge
	wordRefund
	wordPage
	wordNumber
	wordItem
	wordMet
	wordNotMet
	wordNoEvidence
	wordValue
	wordNeeded
	wordEvidence
	wordQuery
	wordMetOf
	wordProcessing
	wordAwaitingPayer
	wordHeld
	wordPaid
	wordDeclined
	wordFailed
	wordCanceled
	wordApproved
	wordPending
	wordUnknown
	wordRefunded
	wordCount
)

var words = [wordCount][3]string{
	wordTitle:         {"Выписка по операциям", "Операциялар бойынша үзінді көшірме", "Statement of operations"},
	wordMerchant:      {"Продавец", "Сатушы", "Merchant"},
	wordGateway:       {"Шлюз", "Шлюз", "Gateway"},
	wordProvider:      {"Провайдер", "Провайдер", "Provider"},
	wordAccount:       {"Счёт у провайдера", "Провайдердегі шот", "Account at the provider"},
	wordPeriod:        {"Период", "Кезең", "Period"},
	wordFrom:          {"Первый день", "Алғашқы күн", "First day"},
	wordTo:            {"Последний день", "Соңғы күн", "Last day"},
	wordZone:          {"Часовой пояс", "Уақыт белдеуі", "Time zone"},
	wordCreated:       {"Составлено", "Жасалған уақыты", "Created"},
	wordMissing:       {"Дни без выписки провайдера", "Провайдердің үзінді көшірмесі жоқ күндер", "Days without the provider's statement"},
	wordIncomplete:    {"ВЫПИСКА НЕПОЛНАЯ: за эти дни выписка провайдера не получена", "ҮЗІНДІ КӨШІРМЕ ТОЛЫҚ ЕМЕС: бұл күндер бойынша провайдердің үзінді көшірмесі алынбаған", "INCOMPLETE: for these days no statement of the provider's has been read"},
	wordNone:          {"нет", "жоқ", "none"},
	wordTotals:        {"Итоги", "Қорытынды", "Totals"},
	wordCurrency:      {"Валюта", "Валюта", "Currency"},
	wordChargesNumber: {"Платежи, количество", "Төлемдер саны", "Charges, number"},
	wordChargesSum:    {"Платежи, сумма", "Төлемдер сомасы", "Charges, sum"},
	wordRefundsNumber: {"Возвраты, количество", "Қайтарулар саны", "Refunds, number"},
	wordRefundsSum:    {"Возвраты, сумма", "Қайтарулар сомасы", "Refunds, sum"},
	wordFees:          {"Комиссия", "Комиссия", "Fees"},
	wordFeesExpected:  {"в том числе по тарифу", "оның ішінде тариф бойынша", "of which by schedule"},
	wordNet:           {"Нетто", "Таза сома", "Net"},
	wordOpen:          {"Открытые расхождения", "Ашық сәйкессіздіктер", "Open findings"},
	wordSummary:       {"Сводка", "Жиынтық", "Summary"},
	wordOperations:    {"Операции", "Операциялар", "Operations"},
	wordNoOperations:  {"Операций нет", "Операциялар жоқ", "No operations"},
	wordTooMany:       {"Операций больше %d: они перечислены в файле XLSX этой выписки", "Операциялар саны %d мәнінен асады: олар осы үзінді көшірменің XLSX файлында келтірілген", "There are more than %d operations: they are listed in this statement's XLSX file"},
	wordTime:          {"Время", "Уақыты", "Time"},
	wordDay:           {"Опер. день", "Опер. күн", "Business day"},
	wordKind:          {"Вид операции", "Операция түрі", "Kind"},
	wordOrder:         {"Номер заказа", "Тапсырыс нөмірі", "Order"},
	wordReference:     {"Наш номер", "Біздің нөмір", "Our reference"},
	wordExternal:      {"Номер у провайдера", "Провайдердегі нөмірі", "Provider's id"},
	wordAmount:        {"Сумма", "Сома", "Amount"},
	wordFee:           {"Комиссия", "Комиссия", "Fee"},
	wordFeeSource:     {"Источник комиссии", "Комиссия көзі", "Fee source"},
	wordTold:          {"данные провайдера", "провайдер дерегі", "told by the provider"},
	wordExpected:      {"по тарифу", "тариф бойынша", "by schedule"},
	wordExpectedNote:  {"* комиссия по тарифу: провайдер её не сообщил", "* тариф бойынша комиссия: провайдер оны хабарламаған", "* fee by schedule: the provider told none"},
	wordState:         {"Состояние", "Күйі", "State"},
	wordPayout:        {"Время выплаты", "Аударылған уақыты", "Payout time"},
	wordCharge:        {"платёж", "төлем", "charge"},
	wordRefund:        {"возврат", "қайтару", "refund"},
	wordPage:          {"стр. %d из %s", "%d-бет, барлығы %s", "page %d of %s"},

	wordNumber:     {"№", "№", "No."},
	wordItem:       {"Требование", "Талап", "Requirement"},
	wordMet:        {"выполнено", "орындалды", "met"},
	wordNotMet:     {"не выполнено", "орындалмады", "not met"},
	wordNoEvidence: {"нет подтверждения", "растама жоқ", "no evidence"},
	wordValue:      {"Значение", "Мәні", "Value"},
	wordNeeded:     {"Требуется", "Қажет", "Needed"},
	wordEvidence:   {"Подтверждение", "Растама", "Evidence"},
	wordQuery:      {"Запрос", "Сұраныс", "Query"},
	wordMetOf:      {"Выполнено: %d из %d", "Орындалды: %d / %d", "Met: %d of %d"},

	wordProcessing:    {"в обработке", "өңделуде", "processing"},
	wordAwaitingPayer: {"ожидает плательщика", "төлеушіні күтуде", "awaiting payer"},
	wordHeld:          {"сумма заблокирована", "сома бұғатталған", "held"},
	wordPaid:          {"оплачено", "төленген", "paid"},
	wordDeclined:      {"отклонено", "қабылданбаған", "declined"},
	wordFailed:        {"не выполнено", "орындалмаған", "failed"},
	wordCanceled:      {"отменено", "күші жойылған", "canceled"},
	wordApproved:      {"одобрено", "мақұлданған", "approved"},
	wordPending:       {"ожидается", "күтілуде", "pending"},
	wordUnknown:       {"неизвестно", "белгісіз", "unknown"},
	wordRefunded:      {"возвращено", "қайтарылған", "refunded"},
}

// states are the words for what a payment or a line of a statement is in.
var states = map[string]word{
	"processing": wordProcessing, "awaiting_payer": wordAwaitingPayer, "held": wordHeld, "paid": wordPaid, "declined": wordDeclined,
	"failed": wordFailed, "canceled": wordCanceled, "approved": wordApproved, "pending": wordPending, "unknown": wordUnknown, "refunded": wordRefunded,
}

// months stand as they do in a date: the Russian ones are declined, "1 октября"; in Kazakh
// the day stands before the month's plain name, "2026 жылғы 1 қазан".
var months = [12][3]string{
	{"января", "қаңтар", "January"}, {"февраля", "ақпан", "February"}, {"марта", "наурыз", "March"},
	{"апреля", "сәуір", "April"}, {"мая", "мамыр", "May"}, {"июня", "маусым", "June"},
	{"июля", "шілде", "July"}, {"августа", "тамыз", "August"}, {"сентября", "қыркүйек", "September"},
	{"октября", "қазан", "October"}, {"ноября", "қараша", "November"}, {"декабря", "желтоқсан", "December"},
}

// dates are how a date is put together: of its day, its month and its year.
var dates = [3]string{"%[1]d %[2]s %[3]d г.", "%[3]d жылғы %[1]d %[2]s", "%[1]d %[2]s %[3]d"}

// marks are what stands before a fraction and, in PDF, between thousands.
var marks = [3]struct{ decimal, thousands string }{{",", "\u00a0"}, {",", "\u00a0"}, {".", ","}}

func (t tongue) say(w word) string { return words[w][t] }

func (t tongue) all(ws ...word) []string {
	var all []string
	for _, w := range ws {
		all = append(all, t.say(w))
	}
	return all
}

// spell writes a day in words.
func (t tongue) spell(day time.Time) string {
	return fmt.Sprintf(dates[t], day.Day(), months[day.Month()-1][t], day.Year())
}

func (t tongue) kind(k providers.LineKind) string {
	switch k {
	case providers.LineCharge:
		return t.say(wordCharge)
	case providers.LineRefund:
		return t.say(wordRefund)
	}
	return plain(string(k))
}

func (t tongue) state(s string) string {
	if w, known := states[s]; known {
		return t.say(w)
	}
	return plain(s)
}

// decimal writes a sum with its currency's decimals and no thousands; nothing for one that
// is not known.
func (t tongue) decimal(m providers.Money) string {
	if m.Currency == "" {
		return ""
	}
	return strings.Replace(m.Decimal(), ".", marks[t].decimal, 1)
}

// grouped writes a sum as people read it, its thousands apart.
func (t tongue) grouped(m providers.Money) string {
	if m.Currency == "" {
		return ""
	}
	digits, negative := strings.CutPrefix(m.Decimal(), "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	var text strings.Builder
	if negative {
		text.WriteString("-")
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			text.WriteString(marks[t].thousands)
		}
		text.WriteRune(digit)
	}
	if dotted {
		text.WriteString(marks[t].decimal + fraction)
	}
	return text.String()
}
