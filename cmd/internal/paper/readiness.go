package paper

// requirement is one of a bank's checklist in every language: what it is, and what is asked
// for.
type requirement struct{ name, needed [3]string }

var once = [3]string{"показано один раз", "бір рет көрсетілген", "shown once"}

// requirements are Kaspi's, by the ids that the service gives them.
var requirements = map[string]requirement{
	"volume": {
		[3]string{"Платежи через другие шлюзы, два полных месяца", "Басқа шлюздер арқылы төлемдер, екі толық ай", "Charges through other gateways, two months"},
		[3]string{"1 000 в месяц (приоритет: 5 000)", "айына 1 000 (басымдық: 5 000)", "1,000 a month (priority: 5,000)"}},
	"volume.uninterrupted": {
		[3]string{"Платежи через другие шлюзы каждый день", "Басқа шлюздер арқылы күн сайынғы төлемдер", "Charges through others on every day"},
		[3]string{"без единого дня перерыва", "бірде-бір күн үзіліссіз", "none of the days without any"}},
	"sandbox.pay":         {[3]string{"Сценарий: оплата", "Сценарий: төлеу", "Scenario: a payment is paid"}, once},
	"sandbox.cancel":      {[3]string{"Сценарий: отмена", "Сценарий: төлемнің күшін жою", "Scenario: a payment is canceled"}, once},
	"sandbox.refund":      {[3]string{"Сценарий: возврат", "Сценарий: қайтару", "Scenario: a payment is refunded"}, once},
	"sandbox.timeout":     {[3]string{"Сценарий: ответ не пришёл вовремя", "Сценарий: жауап уақытында келмеді", "Scenario: an answer does not come in time"}, [3]string{"показано один раз, с исходом", "бір рет көрсетілген, нәтижесімен", "shown once, and what became of it"}},
	"sandbox.double-send": {[3]string{"Сценарий: повторная отправка", "Сценарий: қайталап жіберу", "Scenario: the same is sent twice"}, [3]string{"показано один раз, списание одно", "бір рет көрсетілген, ақша бір рет алынған", "shown once, and charged once"}},
	"refund.partial":      {[3]string{"Частичный возврат", "Ішінара қайтару", "A part of a payment is refunded"}, once},
	"refund.full":         {[3]string{"Полный возврат", "Толық қайтару", "A whole payment is refunded"}, once},
	"uniqueness": {
		[3]string{"Номера платежей уникальны", "Төлем нөмірлері бірегей", "Our payment numbers are unique"},
		[3]string{"нет повторов, и база их не допускает", "қайталанбайды, дерекқор қайталауға жол бермейді", "no duplicates, and an index that refuses them"}},
	"retention.notices":  {[3]string{"Журнал входящих уведомлений хранится", "Кіріс хабарламалар журналы сақталады", "Webhooks are logged and kept"}, [3]string{"30 дней", "30 күн", "30 days"}},
	"retention.payments": {[3]string{"Записи о транзакциях хранятся", "Транзакциялар жазбалары сақталады", "Records of transactions are kept"}, [3]string{"5 лет", "5 жыл", "5 years"}},
	"egress":             {[3]string{"Адреса для списка разрешённых", "Рұқсат етілгендер тізіміне арналған мекенжайлар", "Addresses for the bank's allow-list"}, [3]string{"не меньше одного", "кемінде біреу", "at least one"}},
	"alerts":             {[3]string{"Оповещения сработали при проверке", "Ескертулер тексеруде іске қосылды", "Alerts fired in a test"}, once},
	"backup":             {[3]string{"Резервный шлюз проверен", "Қосалқы шлюз тексерілген", "The backup gateway is proven"}, [3]string{"за последние 90 дней", "соңғы 90 күнде", "within the last 90 days"}},
	"token": {
		[3]string{"Учётные данные продлеваются вовремя", "Тіркелгі деректері уақытында жаңартылады", "Credentials are renewed in time"},
		[3]string{"осталось 30 дней, продление раз в год", "30 күн қалған, жылына бір рет жаңартылады", "30 days left, renewed about once a year"}},
	"disputes": {
		[3]string{"На споры отвечают в течение 24 часов", "Дауларға 24 сағат ішінде жауап беріледі", "Disputes are answered within 24 hours"},
		[3]string{"нет споров без ответа дольше", "одан ұзақ жауапсыз дау жоқ", "none unanswered for longer"}},
	"reconciliation": {
		[3]string{"Книги шлюза сходятся с нашими", "Шлюз есебі біздің есеппен сәйкес", "The gateway's books agree with ours"},
		[3]string{"сверено за 35 дней, без открытых расхождений", "35 күнде салыстырылған, ашық сәйкессіздіксіз", "read within 35 days, no open findings"}},
}

// Requirement is what the service's requirement of an id is called, and what is asked for.
// It reports false for one that has no words here, and whose own must do.
func Requirement(id string, l Language) (name, needed string, known bool) {
	t, err := tongueOf(l)
	r, known := requirements[id]
	if err != nil || !known {
		return "", "", false
	}
	return r.name[t], r.needed[t], true
}

var readinessTitle = [3]string{"Готовность к подключению", "Қосылуға дайындық", "Readiness"}

// ReadinessTitle is what the answered checklist is called; empty in a language that is none.
func ReadinessTitle(l Language) string {
	t, err := tongueOf(l)
	if err != nil {
		return ""
	}
	return readinessTitle[t]
}
