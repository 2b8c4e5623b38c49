package audit

import "testing"

func TestPersonalDataAreTakenOutOfWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]string{
		"the bank is slow":                            "the bank is slow",
		"payer +7 701 555-01-99 called":               "payer <number> called",
		"payer 87015550199 called":                    "payer <number> called",
		"+7 (701) 555 01 99":                          "<number>",
		"IIN 900101300123, aida@example.kz complains": "IIN <number>, <e-mail> complains",
		"card 4405 6450 0000 6150":                    "card <number>",
		"номер ٧٧٠١٥٥٥٠١٩٩":                           "номер <number>",
		"payments/019ac000-0000-7000-8000-000000000001 of 2026-11-23 14:02, case 81": "payments/019ac000-0000-7000-8000-000000000001 of 2026-11-23 14:02, case 81",
		"restored the backup of 14:02, the database of 14:10 is lost":                "restored the backup of 14:02, the database of 14:10 is lost",
		"": "",
	} {
		if got := Impersonal(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
