package sim

// kaspiCode is a StatusCode of the QR API.
type kaspiCode int64

// The codes with a meaning of their own here. Any other code can be answered with FaultCode.
const (
	kaspiOK               kaspiCode = 0
	kaspiUnavailable      kaspiCode = -999
	kaspiNoCertificate    kaspiCode = -10000 // and a foreign address, as one operator reports
	kaspiBadPhone         kaspiCode = -1401  // undocumented; our reading
	kaspiNotClient        kaspiCode = -1404  // undocumented; our reading
	kaspiNoDevice         kaspiCode = -1501
	kaspiDeviceInactive   kaspiCode = -1502
	kaspiDeviceElsewhere  kaspiCode = -1503
	kaspiNotFound         kaspiCode = -1601
	kaspiNoTradePoints    kaspiCode = -14000002
	kaspiNoPurchase       kaspiCode = -99000001
	kaspiNoTradePoint     kaspiCode = -99000002
	kaspiForeignPurchase  kaspiCode = -99000003
	kaspiReturnTooMuch    kaspiCode = -99000005
	kaspiReturnFailed     kaspiCode = -99000006
	kaspiReturnNotAllowed kaspiCode = -99000011
	kaspiReturnOnlyWhole  kaspiCode = -99000020
	kaspiPointDisabled    kaspiCode = 990000018
	kaspiPointWithoutQR   kaspiCode = 990000026
	kaspiWrongAmount      kaspiCode = 990000028
	kaspiNoInvoices       kaspiCode = 990000032 // undocumented; our reading
	kaspiNoMethods        kaspiCode = 990000033
	kaspiExternalIDTaken  kaspiCode = 990000099 // our invention for KaspiRepeatRefuse: no document says what Kaspi answers
	kaspiNobodyKnows      kaspiCode = 990000777 // our invention for FaultUnknownStatus
)

var kaspiMessages = map[kaspiCode]string{
	kaspiOK:               "OK",
	kaspiUnavailable:      "Service temporarily unavailable",
	kaspiNoCertificate:    "No client certificate",
	kaspiNotClient:        "Client not found",
	kaspiNoDevice:         "Device not found",
	kaspiDeviceInactive:   "Device is not active",
	kaspiDeviceElsewhere:  "Device belongs to another trade point",
	kaspiNotFound:         "Purchase not found",
	kaspiNoTradePoints:    "No trade points",
	kaspiNoPurchase:       "Purchase with this id not found",
	kaspiNoTradePoint:     "Trade point not found",
	kaspiForeignPurchase:  "Purchase belongs to another trade point",
	kaspiReturnTooMuch:    "Return exceeds the purchase",
	kaspiReturnFailed:     "Return failed",
	kaspiReturnNotAllowed: "Purchase status does not allow a return",
	kaspiReturnOnlyWhole:  "Partial return is not possible",
	kaspiPointDisabled:    "Trade point is disabled",
	kaspiPointWithoutQR:   "Trade point does not accept QR",
	kaspiWrongAmount:      "Wrong amount",
	kaspiNoMethods:        "No payment methods available",
}
