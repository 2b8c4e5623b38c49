package sim

import (
	"net/http"
	"regexp"
	"slices"
	"time"
)

// kaspiDevice is a till, bound to one trade point of one organisation.
type kaspiDevice struct {
	token   string
	id      string // the merchant's own DeviceId; empty for devices that the options brought
	org     *KaspiOrganization
	point   *KaspiTradePoint
	deleted bool
	asked   []time.Time // client-info, for its limit
}

// kaspiDeviceID is what a DeviceId may be made of.
var kaspiDeviceID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

type kaspiTradePoint struct {
	TradePointID   int64  `json:"TradePointId"`
	TradePointName string `json:"TradePointName"`
}

func (k *kaspi) ping(*call, *kaspiRequest) kaspiAnswer { return kaspiAnswer{} }

func (k *kaspi) tradePoints(_ *call, q *kaspiRequest) kaspiAnswer {
	org := k.organization(q, q.last)
	points := []kaspiTradePoint{}
	if org != nil {
		for _, p := range org.TradePoints {
			points = append(points, kaspiTradePoint{p.ID, p.Name})
		}
	}
	if len(points) == 0 {
		return kaspiRefusal(kaspiNoTradePoints)
	}
	return kaspiAnswer{data: points}
}

// organization finds the merchant: r3 names it, r1 and r2 speak for the one that owns their key or certificate.
func (k *kaspi) organization(q *kaspiRequest, bin string) *KaspiOrganization {
	if q.scheme != "r3" {
		return &k.opt.Organizations[0]
	}
	i := slices.IndexFunc(k.opt.Organizations, func(o KaspiOrganization) bool { return o.BIN == bin })
	if i < 0 {
		return nil
	}
	return &k.opt.Organizations[i]
}

// registerDevice is the one call that is documented as repeatable: the same arguments get the same token.
func (k *kaspi) registerDevice(_ *call, q *kaspiRequest) kaspiAnswer {
	id := q.body.text("DeviceId")
	if !kaspiDeviceID.MatchString(id) {
		return kaspiAnswer{status: http.StatusBadRequest, bare: `{"Message":"DeviceId takes Latin letters, digits, - and _"}`}
	}
	org := k.organization(q, q.body.text("OrganizationBin"))
	if org == nil {
		return kaspiRefusal(kaspiNoTradePoint)
	}
	at := slices.IndexFunc(org.TradePoints, func(p KaspiTradePoint) bool { return p.ID == q.body.id("TradePointId") })
	if at < 0 {
		return kaspiRefusal(kaspiNoTradePoint)
	}
	point := &org.TradePoints[at]
	if point.NoQR {
		return kaspiRefusal(kaspiPointWithoutQR)
	}
	var d *kaspiDevice
	if i := slices.IndexFunc(k.devices, func(d *kaspiDevice) bool { return d.id == id && d.org == org && !d.deleted }); i >= 0 {
		d = k.devices[i]
		if d.point != point {
			return kaspiRefusal(kaspiDeviceElsewhere)
		}
	} else {
		d = &kaspiDevice{token: k.b.guid(), id: id, org: org, point: point}
		k.devices = append(k.devices, d)
	}
	return kaspiAnswer{data: struct {
		DeviceToken string `json:"DeviceToken"`
	}{d.token}}
}

func (k *kaspi) deleteDevice(_ *call, q *kaspiRequest) kaspiAnswer {
	d := k.device(q.body.text("DeviceToken"))
	if d == nil || d.deleted || q.scheme == "r3" && d.org.BIN != q.body.text("OrganizationBin") {
		return kaspiRefusal(kaspiNoDevice)
	}
	d.deleted = true
	return kaspiAnswer{}
}

// device finds a device by its token, deleted ones included.
func (k *kaspi) device(token string) *kaspiDevice {
	i := slices.IndexFunc(k.devices, func(d *kaspiDevice) bool { return d.token == token })
	if token == "" || i < 0 {
		return nil
	}
	return k.devices[i]
}

// till checks the device of a money call: it must exist, be active, and in r3 belong to the organisation that the call names.
func (k *kaspi) till(q *kaspiRequest) (*kaspiDevice, kaspiCode) {
	d := k.device(q.body.text("DeviceToken"))
	switch {
	case d == nil, q.scheme == "r3" && d.org.BIN != q.body.text("OrganizationBin"):
		return nil, kaspiNoDevice
	case d.deleted:
		return nil, kaspiDeviceInactive
	case d.point.Disabled:
		return nil, kaspiPointDisabled
	}
	return d, kaspiOK
}
