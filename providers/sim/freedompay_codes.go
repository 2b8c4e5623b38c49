package sim

// The values of pg_payment_status that this face gives (notes, section 5).
const (
	fpNew        = "new"
	fpProcess    = "process"
	fpSuccess    = "success"
	fpError      = "error"
	fpRevoked    = "revoked"
	fpRefunded   = "refunded"
	fpIncomplete = "incomplete"
)

// The codes that this face gives by itself (section 6); a fault, a card or a switch may give any other.
const (
	fpBadSignature  = "1100"
	fpNoMerchant    = "9998"
	fpWrongStatus   = "120" // of a card/direct that comes again (section 10, EX-1001)
	fpMissing       = "200"
	fpNotFoundOld   = "340"
	fpProfileOver   = "365"
	fpNotCancelable = "9013"
	fpNotUnique     = "9991"
	fpNotActivated  = "9992"
	fpNoMoney       = "10009"
	fpCaptured      = "10012"
	fpTimeOver      = "10014"
	fpShopRefused   = "10016"
	fpLifetimeOver  = "10018"
	fpTooMuch       = "10020"
	fpTooLittle     = "10030"
	fpBadPhone      = "10031"
	fpBadCard       = "10032"
	fpCancelled     = "10033"
	fpNotCaptured   = "10034"
	fpNotHeld       = "10035"
	fpCleared       = "10036"
	fpIncorrect     = "10039"
	fpAllRefunded   = "11018"
	fpBadParameter  = "11022"
	fpTooOld        = "11054"
	fpNotFound      = "11068"

	// What unknown-status says when its rule names nothing.
	fpUndocumented = "frozen"
)

// fpTexts are descriptions, Russian free text that nobody should read by machine (section 10).
var fpTexts = map[string]string{
	"1100":  "Некорректная подпись запроса",
	"9998":  "Неверная подпись или магазин не найден",
	"120":   "Неверный статус платежа",
	"200":   "Отсутствует или неверен обязательный параметр",
	"340":   "Транзакция не найдена",
	"365":   "Рекуррентный профиль истёк",
	"9013":  "Нельзя отменить неуспешный платёж",
	"9991":  "Неуникальный номер заказа",
	"9992":  "Метод не подключён",
	"9999":  "Системная ошибка",
	"10000": "Сервис временно недоступен",
	"10001": "Обратитесь в банк, выпустивший карту",
	"10009": "Недостаточно средств",
	"10012": "Платёж нельзя отменить",
	"10014": "Превышен интервал времени",
	"10016": "Обратитесь в магазин",
	"10017": "Истёк срок действия карты",
	"10018": "Время жизни платежа истекло",
	"10020": "Сумма возврата больше суммы платежа",
	"10030": "Сумма меньше минимальной",
	"10031": "Неверный номер телефона",
	"10032": "Неверная карта или счёт",
	"10033": "Платёж уже отменён",
	"10034": "Перед возвратом необходим клиринг",
	"10035": "Нельзя провести клиринг неуспешного платежа",
	"10036": "Клиринг уже проведён",
	"10039": "Некорректная операция",
	"11018": "Платёж уже возвращён",
	"11022": "Параметры нарушают ограничения",
	"11054": "Платёж старше 180 дней",
	"11068": "Платёж не найден",
	"99999": "Неизвестная ошибка платёжной системы",
}

// fpSorry is an error answer.
func fpSorry(code string) fpMessage {
	m := fpMessage{fpLeaf("pg_status", "error"), fpLeaf("pg_error_code", code)}
	m.add("pg_error_description", fpTexts[code])
	return m
}

// fpFine begins an answer to an accepted call.
func fpFine(fields ...fpField) fpMessage {
	return append(fpMessage{fpLeaf("pg_status", "ok")}, fields...)
}
