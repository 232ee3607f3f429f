package hush_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/house/hush"
)

const card = "4111 1111 1111 1111"

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue(card) }

// A card number does not come out of the log, whatever way it goes in; all else
// comes out as it is.
func TestTheLogHoldsNoCardNumber(t *testing.T) {
	var out bytes.Buffer
	for _, next := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(hush.Handler(next))
		log.Info("paid with " + card)
		log.Info("a name", card, 1)
		log.Info("a text", "note", "card: "+card)
		log.Info("an error", "error", errors.Join(errors.New("reading"), errors.New(card)))
		log.Info("a list", "of", []string{"x", card})
		log.Info("a number", "n", 4111111111111111)
		log.Info("a group", slog.Group("g", slog.Group("h", "note", card)))
		log.Info("a value", "v", valuer{})
		log.Info("bytes", "b", []byte("abc"))
		log.With("note", card).WithGroup("g").Warn("with", "also", card)
		log.Info("plain", "loan", "LN-2026-000123", "took", 12, "error", errors.New("no such loan"))
	}
	for line := range strings.Lines(out.String()) {
		if pan.Contains(line) || strings.Contains(line, "4111 1111") || strings.Contains(line, "41111111") {
			t.Errorf("the log says %s", line)
		}
	}
	for _, want := range []string{"1111", "LN-2026-000123", "took=12", `"took":12`, "no such loan"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log has lost %q:\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 22 {
		t.Errorf("%d lines", n)
	}
}
