package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// prints gives v as every printer writes it: alone, in a struct, as a private
// member, behind a pointer, in a list, in logs.
func prints(v any) string {
	var b bytes.Buffer
	type around struct {
		Public  any
		private any
	}
	for _, one := range []any{v, &v, around{v, v}, &around{v, v}, []any{v}, map[string]any{"k": v}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3v"} {
			fmt.Fprintf(&b, verb+"\n", one)
		}
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))} {
			log.Info("m", "v", one)
		}
		j, _ := json.Marshal(one)
		b.Write(j)
	}
	return b.String()
}

type privately[T any] struct{ member T }

func TestATextIsRevealedAndNothingElse(t *testing.T) {
	text := secret.NewText("hunter2")
	if text.Reveal() != "hunter2" || text.Empty() || !(secret.Text{}).Empty() {
		t.Error("a text must reveal what it hides")
	}
	for _, v := range []any{text, &text, privately[secret.Text]{text}, &privately[*secret.Text]{&text}} {
		if s := prints(v); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
			t.Errorf("%T leaks", v)
		}
	}
	for encoder, encode := range map[string]func() ([]byte, error){
		"json": func() ([]byte, error) { return json.Marshal(text) },
		"text": text.MarshalText, "binary": text.MarshalBinary,
		"json in a struct": func() ([]byte, error) { return json.Marshal(struct{ Password secret.Text }{text}) },
	} {
		if b, err := encode(); !errors.Is(err, secret.ErrMarshal) || len(b) != 0 {
			t.Errorf("%s: %q, %v", encoder, b, err)
		}
	}
	var in struct {
		Password secret.Text `json:"password"`
	}
	if err := json.Unmarshal([]byte(`{"password":"hunter2"}`), &in); err != nil || !in.Password.Equal(text) {
		t.Errorf("reading: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"password":4111}`), &in); err == nil || strings.Contains(err.Error(), "4111") {
		t.Errorf("a number as a password: %v", err)
	}
	if text.Equal(secret.NewText("hunter3")) || text.Equal(secret.Text{}) || !(secret.Text{}).Equal(secret.NewText("")) {
		t.Error("equal is wrong")
	}
}

// lastFour finds the number's last digits where they stand alone: addresses in
// memory and fractions of seconds hold the same digits now and then.
var lastFour = regexp.MustCompile(`(^|[^0-9a-fx.])4320($|[^0-9a-f])`)

func TestAnUnopenedFieldShowsNothing(t *testing.T) {
	f := secret.Seal[secret.SSN]("987-65-4320")
	for _, v := range []any{f, &f, privately[secret.Field[secret.SSN]]{f}} {
		if s := prints(v); lastFour.MatchString(s) {
			t.Errorf("%T leaks", v)
		}
	}
	if b, err := json.Marshal(f); string(b) != "null" || err != nil || f.String() != "[sealed]" {
		t.Errorf("%s, %v, %s", b, err, f)
	}
	var zero secret.Field[secret.SSN]
	zero.Open(secret.Visibility{SSN: "full"})
	if b, _ := json.Marshal(zero); string(b) != `""` {
		t.Errorf("nothing opens to %s", b)
	}
	f.Open(secret.Visibility{SSN: "full"})
	if s := fmt.Sprintf("%v %#v", f, privately[secret.Field[secret.SSN]]{f}); strings.Contains(s, "987") || !strings.Contains(s, "•••-••-4320") {
		t.Errorf("opened prints %s", s)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", f)
	if strings.Contains(log.String(), "4320") {
		t.Errorf("an opened field reaches the log: %s", &log)
	}
}

func opened[K secret.Kinded](plain string, v secret.Visibility) string {
	f := secret.Seal[K](plain)
	var o secret.Openable = &f
	o.Open(v)
	b, err := json.Marshal(f)
	if err != nil {
		return err.Error()
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil || s != f.String() {
		return fmt.Sprintf("json %s, string %s", b, f)
	}
	return s
}

func full[K secret.Kinded](plain string, v secret.Visibility) string {
	f := secret.Seal[K](plain)
	if !f.OpenFull(v) {
		return "refused, shows " + f.String()
	}
	return f.String()
}

func TestMasksByCeiling(t *testing.T) {
	type v = secret.Visibility
	agent := v{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}
	for _, c := range []struct{ what, got, want string }{
		{"ssn full", opened[secret.SSN]("987-65-4320", v{SSN: "full"}), "•••-••-4320"},
		{"ssn last4", opened[secret.SSN]("987654320", v{SSN: "last4"}), "•••-••-4320"},
		{"ssn no ceiling", opened[secret.SSN]("987654320", v{}), "•••-••-••••"},
		{"ssn unknown word", opened[secret.SSN]("987654320", v{SSN: "FULL"}), "•••-••-••••"},
		{"ssn too short", opened[secret.SSN]("4320", v{SSN: "full"}), "•••-••-••••"},
		{"ssn revealed", full[secret.SSN]("987-65-4320", v{SSN: "full"}), "987-65-4320"},
		{"ssn refused", full[secret.SSN]("987-65-4320", v{SSN: "last4"}), "refused, shows •••-••-4320"},
		{"birth full", opened[secret.BirthDate]("2000-01-15", v{BirthDate: "full"}), "2000-••-••"},
		{"birth hidden", opened[secret.BirthDate]("2000-01-15", v{BirthDate: "hidden"}), "••••-••-••"},
		{"birth year hidden", opened[secret.BirthDate]("2000-01-15", v{BirthDate: "year_hidden"}), "••••-01-15"},
		{"birth day and year hidden", opened[secret.BirthDate]("2000-01-15", v{BirthDate: "day_year_hidden"}), "••••-01-••"},
		{"birth month and year hidden", opened[secret.BirthDate]("2000-01-15", v{BirthDate: "month_year_hidden"}), "••••-••-15"},
		{"birth no ceiling", opened[secret.BirthDate]("2000-01-15", v{}), "••••-••-••"},
		{"birth not a date", opened[secret.BirthDate]("15 January", v{BirthDate: "full"}), "••••-••-••"},
		{"birth revealed", full[secret.BirthDate]("2000-01-15", v{BirthDate: "full"}), "2000-01-15"},
		{"birth refused", full[secret.BirthDate]("2000-01-15", v{BirthDate: "year_hidden"}), "refused, shows ••••-01-15"},
		{"email", opened[secret.Email]("anna@example.com", agent), "a•••@example.com"},
		{"email of one letter", opened[secret.Email]("é@example.com", agent), "é•••@example.com"},
		{"email without a name", opened[secret.Email]("@example.com", agent), "•••"},
		{"email not one", opened[secret.Email]("anna", agent), "•••"},
		{"email no ceiling", opened[secret.Email]("anna@example.com", v{}), "•••"},
		{"email revealed", full[secret.Email]("anna@example.com", agent), "anna@example.com"},
		{"email refused", full[secret.Email]("anna@example.com", v{}), "refused, shows •••"},
		{"phone", opened[secret.Phone]("+1 (212) 555-0123", agent), "••• ••• 0123"},
		{"phone too short", opened[secret.Phone]("0123", agent), "••• ••• ••••"},
		{"phone no ceiling", opened[secret.Phone]("2125550123", v{}), "••• ••• ••••"},
		{"address", opened[secret.AddressLine]("12 Main Street", agent), "•••"},
		{"address revealed", full[secret.AddressLine]("12 Main Street", agent), "12 Main Street"},
		{"bank last4", opened[secret.BankAccount]("6789", v{BankAccount: "last4"}), "••••6789"},
		{"bank hidden", opened[secret.BankAccount]("6789", agent), "••••"},
		{"bank never whole", full[secret.BankAccount]("6789", v{BankAccount: "full"}), "refused, shows ••••"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestNoMaskGivesAwayMoreThanItSays(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "full", "last4", "hidden", "year_hidden", "day_year_hidden", "month_year_hidden", "x"})
	rapid.Check(t, func(t *rapid.T) {
		v := secret.Visibility{SSN: words.Draw(t, "ssn"), BankAccount: words.Draw(t, "bank"), BirthDate: words.Draw(t, "birth")}
		plain := rapid.String().Draw(t, "plain")
		if plain == "" {
			return
		}
		digits := func(s string) (n int) {
			for _, r := range s {
				if r >= '0' && r <= '9' {
					n++
				}
			}
			return n
		}
		for _, shown := range []string{opened[secret.SSN](plain, v), opened[secret.Phone](plain, v), opened[secret.BankAccount](plain, v)} {
			if digits(shown) > 4 {
				t.Fatalf("%q shows %q", plain, shown)
			}
		}
		if shown := opened[secret.AddressLine](plain, v); shown != "•••" {
			t.Fatalf("%q shows %q", plain, shown)
		}
	})
}

func TestAnUnclassifiedFieldIsSecret(t *testing.T) {
	var none secret.Class
	if none != secret.Secret || none.String() != "secret" || secret.Class(99).String() != "secret" {
		t.Error("the zero and the unknown class must be secret")
	}
	for _, name := range []string{"secret", "public", "personal", "sensitive"} {
		if c, ok := secret.ParseClass(name); !ok || c.String() != name {
			t.Errorf("%s: %v, %v", name, c, ok)
		}
	}
	for _, name := range []string{"", "Public", "open"} {
		if c, ok := secret.ParseClass(name); ok || c != secret.Secret {
			t.Errorf("%q: %v, %v", name, c, ok)
		}
	}
}
