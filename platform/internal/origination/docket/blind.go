package docket

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// The fields of the blind indexes.
const (
	emailField   = "application.email"
	phoneField   = "application.phone"
	addressField = "application.address"
)

const day = 24 * 3600 * 1_000_000

// sought are the values under which others that share something may be stored:
// several of each while the key of the blind index is being turned.
type sought struct{ email, phone, address [][]byte }

// sharing gives what to look for: the stored indexes, unless Recall or Seal found
// out more.
func (a *Application) sharing() sought {
	s := a.sought
	for _, one := range []struct {
		of     *[][]byte
		stored []byte
	}{{&s.email, a.emailIndex}, {&s.phone, a.phoneIndex}, {&s.address, a.addressIndex}} {
		if len(*one.of) == 0 && len(one.stored) > 0 {
			*one.of = [][]byte{one.stored}
		}
	}
	return s
}

// Recall finds out under which other values those may be stored that share
// something with a stored application. Only while the key of the blind index is
// being turned are there any: then the applicant's fields are opened for it.
func (a *Application) Recall(ctx context.Context, tx *db.Tx, ring *keys.Ring, store *keys.Store) error {
	if len(ring.BlindIndexes(emailField, "")) == 1 {
		return nil
	}
	p, err := a.Open(ctx, store)
	if err != nil {
		return err
	}
	a.sought.email, a.sought.phone = indexes(ring, emailField, emailKey(p.Email)), indexes(ring, phoneField, phoneKey(p.Phone))
	if len(a.addressIndex) == 0 {
		return nil
	}
	var row string
	var cipher []byte
	if err := tx.One(ctx, `SELECT `+firstCheckID+`, `+firstAddress+` FROM application WHERE id = ?`, []any{a.ID}, &row, &cipher); err != nil {
		return err
	}
	key, err := store.Open(ctx, a.Person())
	if errors.Is(err, keys.ErrDestroyed) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := unseal(key, "network_check", row, checkColumns[0], cipher)
	a.sought.address = indexes(ring, addressField, addressKey(string(plain)))
	return err
}

// OfPerson finds every application of a person: of those with the same e-mail
// address or telephone number, the ones with the same social security number.
func OfPerson(ctx context.Context, tx *db.Tx, ring *keys.Ring, store *keys.Store, email, phone, ssn string) (out []id.Application, err error) {
	byEmail, byPhone := db.In("email_index", indexes(ring, emailField, emailKey(email))), db.In("phone_index", indexes(ring, phoneField, phoneKey(phone)))
	type candidate struct {
		id     id.Application
		cipher []byte
	}
	list, err := db.All(ctx, tx, func(r *db.Rows) (c candidate, err error) { return c, r.Scan(&c.id, &c.cipher) },
		`SELECT id, ssn FROM application WHERE id IN (SELECT id FROM application WHERE `+byEmail.SQL()+` UNION SELECT id FROM application WHERE `+byPhone.SQL()+`) ORDER BY seq`, append(byEmail.Args(), byPhone.Args()...)...)
	if err != nil {
		return nil, err
	}
	var persons []string
	for _, c := range list {
		persons = append(persons, string(c.id))
	}
	opened, err := store.OpenMany(ctx, persons)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		key := opened[string(c.id)]
		if key == nil {
			continue
		}
		plain, err := unseal(key, "application", string(c.id), "ssn", c.cipher)
		if err != nil {
			return nil, err
		}
		if len(ssn) > 0 && string(plain) == ssn {
			out = append(out, c.id)
		}
	}
	return out, nil
}

// FromAddress counts the applications from the same internet address in the 24
// hours up to this one, this one included; 0 if it has no address.
func FromAddress(ctx context.Context, tx *db.Tx, a *Application) (n int64, err error) {
	if len(a.addressIndex) == 0 {
		return 0, nil
	}
	cond := db.And(db.In("address_index", a.sharing().address), db.Where("created_at > ? AND created_at <= ? AND id <> ?", a.CreatedAt-day, a.CreatedAt, a.ID))
	err = tx.One(ctx, `SELECT COUNT(*) FROM application WHERE `+cond.SQL(), cond.Args(), &n)
	return n + 1, err
}

// OpenElsewhere counts the other applications of the same person, known by
// e-mail or telephone, that are not yet decided.
func OpenElsewhere(ctx context.Context, tx *db.Tx, a *Application) (n int64, err error) {
	s := a.sharing()
	email, phone := db.In("email_index", s.email), db.In("phone_index", s.phone)
	err = tx.One(ctx, `SELECT COUNT(*) FROM application WHERE id IN (SELECT id FROM application WHERE `+email.SQL()+` UNION SELECT id FROM application WHERE `+phone.SQL()+`)
 AND status IN ('`+Waiting+`', '`+Review+`') AND id <> ?`, append(append(email.Args(), phone.Args()...), a.ID), &n)
	return n, err
}

// kin is met by the other applications that share the address, the e-mail or
// the telephone number.
func (s sought) kin(a *Application) db.Cond {
	email, phone, address := db.In("x.email_index", s.email), db.In("x.phone_index", s.phone), db.In("x.address_index", s.address)
	args := append(append(append(email.Args(), phone.Args()...), address.Args()...), a.ID)
	return db.Where(`a.id IN (SELECT x.id FROM application x WHERE `+email.SQL()+` UNION SELECT x.id FROM application x WHERE `+phone.SQL()+`
 UNION SELECT x.id FROM application x WHERE `+address.SQL()+`) AND a.id <> ?`, args...)
}

// emailKey and the others bring a value into the form that is indexed.
func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// phoneKey is the digits of a telephone number, without the leading 1 of a North
// American one.
func phoneKey(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	if len(digits) == 11 {
		digits = strings.TrimPrefix(digits, "1")
	}
	return digits
}

// addressKey is an IPv4 address, or the /64 of an IPv6 one.
func addressKey(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return httpserve.PrefixKey(a.Unmap())
}

func blind(ring *keys.Ring, field, normal string) []byte {
	if normal == "" {
		return []byte{}
	}
	return ring.BlindIndex(field, normal)
}

func indexes(ring *keys.Ring, field, normal string) [][]byte {
	if normal == "" {
		return nil
	}
	return ring.BlindIndexes(field, normal)
}

// The client's address lies in the row that asked for the first check.
const (
	firstCheckID = `COALESCE((SELECT k.id FROM network_check k WHERE k.application_id = application.id AND k.asked_id = k.id ORDER BY k.at, k.id LIMIT 1), '')`
	firstAddress = `(SELECT k.address FROM network_check k WHERE k.application_id = application.id AND k.asked_id = k.id ORDER BY k.at, k.id LIMIT 1)`
)

// Indexed lists the blind indexes of these tables, for rotation.
func Indexed() []keys.Blind {
	own := func(column, from, field string, normal func(string) string) keys.Blind {
		return keys.Blind{Table: "application", Row: "id", Column: column, Person: "id", Field: field, Normal: normal,
			Sealed: keys.Place{Cipher: from, Row: "id", Table: "application", Column: from}}
	}
	return []keys.Blind{own("email_index", "email", emailField, emailKey), own("phone_index", "phone", phoneField, phoneKey),
		{Table: "application", Row: "id", Column: "address_index", Person: "id", Field: addressField, Normal: addressKey,
			Sealed: keys.Place{Cipher: firstAddress, Row: firstCheckID, Table: "network_check", Column: checkColumns[0]}}}
}
