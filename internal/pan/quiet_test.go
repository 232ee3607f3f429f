package pan

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

func (r dice) zip() string    { return r.digits(5) }
func (r dice) amount() string { return fmt.Sprintf("%d.%02d", 1+r.IntN(99999), r.IntN(100)) }
func (r dice) time() time.Time {
	return time.UnixMicro(1_500_000_000_000_000 + r.Int64N(400_000_000_000_000)).UTC()
}
func (r dice) date() string {
	return r.time().Format(r.one("2006-01-02", "01/02/2006", "02.01.2006", "1/2/06", "20060102", "2 Jan 2006"))
}

func (r dice) stamp() string {
	t := r.time()
	return r.one(t.Format(time.RFC3339), t.Format(time.RFC3339Nano), t.Format("2006-01-02 15:04:05.000000"), t.Format("02.01.2006 15:04:05"), t.Format("20060102150405"),
		t.Format("20060102T150405.000Z"), t.Format("01/02/2006 15:04"), fmt.Sprint(t.Unix()), fmt.Sprint(t.UnixMilli()), fmt.Sprint(t.UnixMicro()), fmt.Sprint(t.UnixNano()),
		t.Format(time.RFC1123Z), t.Format("20060102150405000"), t.Format("2006-01-02-15-04-05"), t.Format("2006.01.02 15.04.05"))
}

// phone is a telephone number as somebody somewhere writes it.
func (r dice) phone() string {
	a, x, l := r.from("23456789", 1)+r.digits(2), r.from("23456789", 1)+r.digits(2), r.digits(4)
	switch r.IntN(14) {
	case 0:
		return "(" + a + ") " + x + "-" + l
	case 1:
		return a + "-" + x + "-" + l
	case 2:
		return "+1 " + a + " " + x + " " + l
	case 3:
		return "+1" + a + x + l
	case 4:
		return "1-" + a + "-" + x + "-" + l
	case 5:
		return a + "." + x + "." + l + " ext. " + r.digits(4)
	case 6:
		return "+49 15" + r.digits(1) + " " + r.digits(8)
	case 7:
		return "+44 20 " + r.digits(4) + " " + r.digits(4)
	case 8:
		return "+4915" + r.digits(9)
	case 9:
		return "+55 " + r.digits(2) + " 9" + r.digits(4) + "-" + r.digits(4)
	case 10:
		return "0049 30 " + r.digits(8)
	case 11:
		return "+" + r.from("123456789", 1) + r.digits(10+r.IntN(5))
	case 12:
		return "(" + a + ") " + x + "-" + l + " x" + r.digits(4)
	}
	return a + x + l
}

// iban is an account number of one of several countries, with its check digits.
func (r dice) iban() string {
	country := r.one("DE18", "GB4A14", "FR23", "NL4A10", "ES20", "AT16", "CH17", "PL24", "BE12", "SE20", "DK14")
	body := ""
	if code, rest, bank := strings.Cut(country[2:], "A"); bank {
		n := 0
		fmt.Sscan(rest, &n)
		_ = code
		body = r.from("ABCDEFGHKLMNPRST", 4) + r.digits(n)
	} else {
		n := 0
		fmt.Sscan(country[2:], &n)
		body = r.digits(n)
	}
	country = country[:2]
	sum := 0
	for _, c := range body + country + "00" {
		if c <= '9' {
			sum = (sum*10 + int(c-'0')) % 97
		} else {
			sum = (sum*100 + int(c-'A') + 10) % 97
		}
	}
	n := fmt.Sprintf("%s%02d%s", country, 98-sum, body)
	if r.IntN(2) == 0 {
		return n
	}
	return strings.Join(cut(n, 4), " ")
}

func (r dice) uuid() string {
	return r.hex(8) + "-" + r.hex(4) + "-" + r.one("4", "7") + r.hex(3) + "-" + r.one("8", "9", "a", "b") + r.hex(3) + "-" + r.hex(12)
}

func (r dice) id() string {
	return r.one("ln", "bo", "us", "ap", "pr", "au") + "_" + r.from("0123456789abcdefghjkmnpqrstvwxyz", 26)
}

func (r dice) many(from, to int, sep string, make func() string) string {
	var out []string
	for range from + r.IntN(to-from+1) {
		out = append(out, make())
	}
	return strings.Join(out, sep)
}

// ean is a bar code of the shops with its own check digit.
func (r dice) ean() string {
	v, sum := r.one("4", "40", "50", "978", "30", "0", "54", "62")+r.digits(12), 0
	v = v[:12]
	for i, d := range []byte(v) {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return v + fmt.Sprint((10-sum%10)%10)
}

// negatives are what a lender's house is full of. None holds a card number.
func negatives() map[string]func(r dice) string {
	return map[string]func(r dice) string{
		"time stamp":  func(r dice) string { return r.stamp() },
		"time stamps": func(r dice) string { return r.many(2, 6, r.one(" ", ", ", "\n", ",", ";", " - "), r.stamp) },
		"dates":       func(r dice) string { return "due " + r.many(1, 6, r.one(" ", ", ", "\n", " - ", "/"), r.date) },
		"uuid":        func(r dice) string { return r.one("", "id=", "ref ") + r.uuid() },
		"uuids":       func(r dice) string { return r.many(2, 5, ",", r.uuid) },
		"uuid, upper": func(r dice) string { return strings.ToUpper(r.uuid()) },
		"phone":       func(r dice) string { return r.one("", "tel ", "call ") + r.phone() },
		"phones":      func(r dice) string { return r.many(2, 4, r.one(" ", ", ", " / ", "\n", "; ", ","), r.phone) },
		"phone and code": func(r dice) string {
			return r.phone() + r.one(" ", ", ", "\n", ",") + r.zip() + r.one("", "-"+r.digits(4))
		},
		"phone, amount": func(r dice) string { return r.phone() + " " + r.zip() + " " + r.amount() },
		"bare phone": func(r dice) string {
			return r.one("44", "49", "41", "43", "48", "52", "55", "62", "351", "353") + r.digits(10)
		},
		"iban":    func(r dice) string { return r.one("", "IBAN ", "to ") + r.iban() },
		"ibans":   func(r dice) string { return r.many(2, 3, "\n", r.iban) },
		"own id":  func(r dice) string { return r.id() },
		"own ids": func(r dice) string { return "loan/" + r.many(2, 6, " ", r.id) },
		"loan number": func(r dice) string {
			return r.one("LN-", "L", "loan ", "loan no. ") + "2026" + r.one("-", "") + r.digits(6+r.IntN(4))
		},
		"loan numbers": func(r dice) string {
			return r.many(2, 8, r.one(" ", ", ", "\n"), func() string { return "LN-2026-" + r.digits(6) })
		},
		"bare loans": func(r dice) string {
			return r.many(2, 8, r.one(" ", ", ", "\n"), func() string { return r.whole(8 + r.IntN(3)) })
		},
		"amount": func(r dice) string { return "$" + r.amount() },
		"big amount": func(r dice) string {
			return r.whole(1+r.IntN(3)) + r.many(3, 4, "", func() string { return "," + r.digits(3) }) + r.one("", ".00", "."+r.digits(2))
		},
		"amounts": func(r dice) string { return r.many(2, 12, r.one(" ", ",", "\t", "\n", " | ", ";"), r.amount) },
		"whole amounts": func(r dice) string {
			return r.many(2, 12, r.one(" ", ", ", "\t", "\n", " | "), func() string { return r.whole(3 + r.IntN(4)) })
		},
		"ledger": func(r dice) string {
			return r.date() + "," + r.amount() + "," + r.amount() + "," + r.one("payment", "fee") + "," + r.digits(6)
		},
		"schedule": func(r dice) string {
			return r.many(2, 9, "\n", func() string {
				return fmt.Sprint(1+r.IntN(60)) + "\t" + r.date() + "\t" + r.amount() + "\t" + r.amount()
			})
		},
		"rates":         func(r dice) string { return fmt.Sprintf("rate %v apr %.6f", r.Float64(), r.Float64()*40) },
		"fraction":      func(r dice) string { return fmt.Sprint(r.Float64() * 100) },
		"ups":           func(r dice) string { return "1Z" + r.from("0123456789ABCDEFGHX", 6) + r.digits(10) },
		"fedex":         func(r dice) string { return "FedEx " + r.one(r.whole(12), r.whole(15), "96"+r.digits(20)) },
		"usps":          func(r dice) string { return r.one("94", "92", "93", "95") + r.digits(20) },
		"usps, grouped": func(r dice) string { return strings.Join(cut(r.one("94", "92", "93")+r.digits(20), 4), " ") },
		"long tracking": func(r dice) string {
			return "tracking " + r.one("no. ", "number ", "", "#", "id: ") + r.whole(14+r.IntN(9))
		},
		"parcel": func(r dice) string { return "parcel " + r.whole(16) },
		"ssn": func(r dice) string {
			return r.many(1, 5, r.one(" ", ", ", "\n"), func() string { return r.digits(3) + "-" + r.digits(2) + "-" + r.digits(4) })
		},
		"person": func(r dice) string {
			return "Doe,Jane," + r.digits(3) + "-" + r.digits(2) + "-" + r.digits(4) + "," + r.date() + "," + r.zip() + "," + r.phone()
		},
		"bank": func(r dice) string {
			return "routing " + r.one("02", "12", "06", "26", "32") + r.digits(7) + " account " + r.whole(8+r.IntN(5))
		},
		"bank, bare": func(r dice) string {
			return r.one("021", "121", "067", "322", "403") + r.digits(6) + r.one(" ", "/", "-") + r.whole(8+r.IntN(4))
		},
		"ach trace": func(r dice) string { return "trace " + r.one("021", "121", "063") + r.digits(12) },
		"imei":      func(r dice) string { return "IMEI " + checked(r.one("35", "86", "01", "99")+r.digits(12)) },
		"sim":       func(r dice) string { return checked("8901" + r.digits(14)) },
		"bar code":  func(r dice) string { return r.ean() },
		"isbn": func(r dice) string {
			return "ISBN 978-" + r.digits(1) + "-" + r.digits(4) + "-" + r.digits(4) + "-" + r.digits(1)
		},
		"address": func(r dice) string {
			return r.many(1, 4, r.one(" ", ", ", ","), func() string { return fmt.Sprintf("%d.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256)) })
		},
		"ports": func(r dice) string {
			return r.many(1, 3, " ", func() string {
				return fmt.Sprintf("%d.%d.%d.%d:%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(65536))
			})
		},
		"ipv6": func(r dice) string { return "2001:db8:" + r.many(6, 6, ":", func() string { return r.hex(4) }) },
		"mac":  func(r dice) string { return r.many(6, 6, ":", func() string { return r.hex(2) }) },
		"place": func(r dice) string {
			return fmt.Sprintf(r.one("%.7f,%.7f", "%.6f, %.6f", "%.5f %.5f"), r.Float64()*180-90, r.Float64()*360-180)
		},
		"sha256":     func(r dice) string { return r.hex(64) },
		"commit":     func(r dice) string { return "commit " + r.hex(40) },
		"short hash": func(r dice) string { return r.hex(16) },
		"token": func(r dice) string {
			return r.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 43)
		},
		"base64": func(r dice) string {
			return base64.StdEncoding.EncodeToString([]byte(r.from("\x00\x10\x3f\x80\xff0123abc", 30+r.IntN(60))))
		},
		"base64 of prose": func(r dice) string { return base64.StdEncoding.EncodeToString([]byte(clerk + r.amount())) },
		"web token": func(r dice) string {
			return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+r.whole(10)+`","iat":`+fmt.Sprint(r.time().Unix())+`}`)) + "." + r.from("ABCDabcd0123-_", 43)
		},
		"years": func(r dice) string { return r.many(3, 8, " ", func() string { return fmt.Sprint(1950 + r.IntN(100)) }) },
		"counting": func(r dice) string {
			return r.many(6, 30, r.one(" ", ", ", "\n"), func() string { return fmt.Sprint(r.IntN(100)) })
		},
		"masked":    func(r dice) string { n := r.card(); return n[:6] + r.one("******", "XXXXXX", "…") + n[len(n)-4:] },
		"last four": func(r dice) string { return "card ending in " + r.digits(4) + ", exp " + r.expiry() },
		"wrong check": func(r dice) string {
			n := r.card()
			return n[:len(n)-1] + fmt.Sprint((int(n[len(n)-1]-'0')+1+r.IntN(9))%10)
		},
		"ein and zip": func(r dice) string { return r.digits(2) + "-" + r.digits(7) + " " + r.zip() + "-" + r.digits(4) },
		"vin":         func(r dice) string { return r.from("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", 17) },
		"duns, lei": func(r dice) string {
			return r.digits(9) + " " + r.digits(4) + "00" + r.from("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", 12) + r.digits(2)
		},
		"prose":       func(r dice) string { return strings.Repeat(clerk+" ", 1+r.IntN(10)) },
		"short order": func(r dice) string { return "order " + r.whole(6+r.IntN(7)) },
		"spreadsheet": func(r dice) string {
			return r.many(1, 5, "\n", func() string {
				return r.whole(6) + "\t" + r.amount() + "\t" + r.zip() + "\t" + r.whole(10) + "\t" + r.date()
			})
		},
		"csv": func(r dice) string {
			return r.many(1, 5, "\n", func() string {
				return r.whole(6) + "," + r.amount() + "," + r.zip() + "," + r.whole(10) + "," + r.date() + "," + r.amount()
			})
		},
		"json": func(r dice) string {
			return fmt.Sprintf(`{"id":%s,"at":%d,"amount":"%s","list":[%s]}`, r.whole(9), r.time().UnixMicro(), r.amount(), r.many(2, 6, ",", func() string { return r.whole(4 + r.IntN(3)) }))
		},
		"log line": func(r dice) string {
			return r.stamp() + " INFO request took=" + fmt.Sprint(r.Float64()) + " id=" + r.id() + " bytes=" + r.whole(6)
		},
		"percent of bytes": func(r dice) string {
			return "%D0%9" + r.hex(1) + "%D1%8" + r.hex(1) + "%" + r.hex(2) + "/" + r.digits(6)
		},
		"chip reader":    func(r dice) string { return "serial " + r.whole(6) + "-" + r.whole(6) + "-" + r.digits(4) },
		"random sixteen": func(r dice) string { return "case " + r.digits(16) },
		"random digits":  func(r dice) string { return "no. " + r.digits(13+r.IntN(10)) },
	}
}

// quietForms are forms that hold no card, as they are really filled in.
func quietForms() map[string]func(r dice) [][2]string {
	return map[string]func(r dice) [][2]string{
		"borrower": func(r dice) [][2]string {
			return [][2]string{{"first_name", "Ann"}, {"last_name", "Lee"}, {"email", "ann" + r.digits(4) + "@example.com"}, {"phone", r.phone()}, {"date_of_birth", "1990-04-01"},
				{"ssn", r.digits(3) + "-" + r.digits(2) + "-" + r.digits(4)}, {"line1", r.whole(4) + " Main Street"}, {"line2", "Apt " + r.whole(4)}, {"city", "Town"}, {"region", "NY"}, {"postal_code", r.zip()}, {"country", "US"}}
		},
		"telephone and town": func(r dice) [][2]string {
			return [][2]string{{"phone", r.digits(10)}, {"postal_code", r.one(r.zip(), r.digits(9), r.digits(4), r.digits(6))}, {"amount", r.amount()}}
		},
		"two telephones": func(r dice) [][2]string {
			return [][2]string{{"phone", r.digits(10)}, {"work_phone", r.digits(7)}, {"ssn", r.digits(9)}, {"postal_code", r.digits(9)}}
		},
		"terms": func(r dice) [][2]string {
			return [][2]string{{"principal", r.amount()}, {"annual_rate", fmt.Sprintf("%.6f", r.Float64())}, {"term_months", fmt.Sprint(1 + r.IntN(360))}, {"contract_date", "2026-11-22"}}
		},
		"address rules": func(r dice) [][2]string {
			return [][2]string{{"name", "Office " + r.digits(2)}, {"entries[0]", fmt.Sprintf("%d.%d.%d.0/24", r.IntN(256), r.IntN(256), r.IntN(256))}, {"entries[1]", fmt.Sprintf("%d.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))}}
		},
		"ids": func(r dice) [][2]string {
			return [][2]string{{"loans[0]", r.id()}, {"loans[1]", r.id()}, {"loans[2]", r.id()}}
		},
		"payment": func(r dice) [][2]string {
			return [][2]string{{"amount", r.amount()}, {"method", "check"}, {"reference", r.whole(4 + r.IntN(6))}, {"memo", "check no. " + r.whole(4) + " of " + r.date()}}
		},
		"loan and dates": func(r dice) [][2]string {
			return [][2]string{{"number", "LN-2026-" + r.digits(6)}, {"from", "2026-11-22"}, {"to", "2026-12-22"}, {"limit", "50"}}
		},
		"bank": func(r dice) [][2]string {
			return [][2]string{{"routing_number", "021" + r.digits(6)}, {"account_number", r.whole(8 + r.IntN(5))}, {"bank", "First"}}
		},
		"numbers of a list": func(r dice) (out [][2]string) {
			for i := range 2 + r.IntN(6) {
				out = append(out, [2]string{fmt.Sprintf("years[%d]", i), fmt.Sprint(1990 + r.IntN(50))})
			}
			return out
		},
		"staff": func(r dice) [][2]string {
			return [][2]string{{"name", "Jane Doe"}, {"label", "Key " + r.digits(3)}, {"minutes", r.whole(2)}, {"reason", "ticket " + r.whole(6)}, {"remark", r.whole(5) + " was wrong"}}
		},
	}
}
