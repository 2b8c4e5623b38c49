package server

import (
	"regexp"
	"strconv"
	"strings"
)

// Resource names, as API.md gives them. Ids are lower case, and a name has exactly
// one spelling, so that logs, metrics and the CLI share one string.
var (
	uuidPattern    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	gatewayPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	ordinalPattern = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
)

// anyGateway is the parent of overrides of all gateways (AIP-159).
const anyGateway = "gateways/-"

func paymentName(id string) string { return "payments/" + id }

func attemptName(payment string, n int) string {
	return "payments/" + payment + "/attempts/" + strconv.Itoa(n)
}

func refundName(payment, id string) string { return "payments/" + payment + "/refunds/" + id }

func instrumentName(id string) string { return "instruments/" + id }

func gatewayName(name string) string { return "gateways/" + name }

func overrideName(gateway, id string) string { return "gateways/" + gateway + "/overrides/" + id }

func reconciliationName(id string) string { return "reconciliations/" + id }

func importName(id string) string { return "imports/" + id }

func disputeName(id string) string  { return "disputes/" + id }
func evidenceName(id string) string { return "evidence/" + id }

func findingName(id string) string { return "findings/" + id }

// ids takes a name apart along its collections and returns the ids between them, or
// nil when the name is of another shape.
func ids(name string, shape ...string) []string {
	parts := strings.Split(name, "/")
	if len(parts) != 2*len(shape) {
		return nil
	}
	var found []string
	for i, collection := range shape {
		if parts[2*i] != collection {
			return nil
		}
		found = append(found, parts[2*i+1])
	}
	return found
}

func parsePayment(name string) (id string, ok bool) {
	found := ids(name, "payments")
	if found == nil || !uuidPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

func parseAttempt(name string) (payment string, n int, ok bool) {
	found := ids(name, "payments", "attempts")
	if found == nil || !uuidPattern.MatchString(found[0]) || !ordinalPattern.MatchString(found[1]) {
		return "", 0, false
	}
	n, err := strconv.Atoi(found[1])
	return found[0], n, err == nil
}

func parseRefund(name string) (payment, id string, ok bool) {
	found := ids(name, "payments", "refunds")
	if found == nil || !uuidPattern.MatchString(found[0]) || !uuidPattern.MatchString(found[1]) {
		return "", "", false
	}
	return found[0], found[1], true
}

func parseInstrument(name string) (id string, ok bool) {
	found := ids(name, "instruments")
	if found == nil || !uuidPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

func parseGateway(name string) (gateway string, ok bool) {
	found := ids(name, "gateways")
	if found == nil || !gatewayPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

func parseOverride(name string) (gateway, id string, ok bool) {
	found := ids(name, "gateways", "overrides")
	if found == nil || !gatewayPattern.MatchString(found[0]) || !uuidPattern.MatchString(found[1]) {
		return "", "", false
	}
	return found[0], found[1], true
}

func parseReconciliation(name string) (id string, ok bool) {
	found := ids(name, "reconciliations")
	if found == nil || !uuidPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

func parseImport(name string) (id string, ok bool) {
	found := ids(name, "imports")
	if found == nil || !uuidPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

func parseDispute(name string) (id string, ok bool) {
	found := ids(name, "disputes")
	if found == nil || !uuidPattern.MatchString(found[0]) {
		return "", false
	}
	return found[0], true
}

// parseFinding knows nothing of an id's form, which the books have made: it may hold a
// gateway's own id, and so whatever stands in that.
func parseFinding(name string) (id string, ok bool) {
	id, ok = strings.CutPrefix(name, "findings/")
	return id, ok && id != "" && len(id) <= 512
}

// kindOf says what a name is the name of: "payment", "refund".
func kindOf(name string) string {
	parts := strings.Split(name, "/")
	if len(parts)%2 != 0 {
		return "object"
	}
	return strings.TrimSuffix(parts[len(parts)-2], "s")
}

// etags are quoted versions, as HTTP writes them (AIP-154).
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// parseEtag reads back what etag wrote.
func parseEtag(text string) (version int64, ok bool) {
	digits, opened := strings.CutPrefix(text, `"`)
	digits, closed := strings.CutSuffix(digits, `"`)
	if !opened || !closed {
		return 0, false
	}
	version, err := strconv.ParseInt(digits, 10, 64)
	return version, err == nil && version > 0 && etag(version) == text
}

// at is the path of a list's element, as BadRequest wants it.
func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
