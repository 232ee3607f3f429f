// Package hush stands in front of the log: no card number leaves the house in a
// line of it. What is logged is masked, not refused, for a log that keeps silent
// about a failure would hide it.
package hush

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/lendkeep/lendkeep/internal/pan"
)

// handler masks what it hands on.
type handler struct{ next slog.Handler }

// Handler masks the card numbers of all that goes to another handler: messages,
// names, values and the words of errors.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, pan.Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(masked(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = masked(a)
	}
	return handler{h.next.WithAttrs(out)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.next.WithGroup(pan.Mask(name))}
}

func masked(a slog.Attr) slog.Attr {
	a.Key = pan.Mask(a.Key)
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(pan.Mask(v.String()))
	case slog.KindGroup:
		inner := make([]slog.Attr, 0, len(v.Group()))
		for _, b := range v.Group() {
			inner = append(inner, masked(b))
		}
		a.Value = slog.GroupValue(inner...)
	case slog.KindAny, slog.KindInt64, slog.KindUint64:
		// Whatever it is, it is written in words: an error, a list, a number.
		if text := fmt.Sprintf("%+v", v.Any()); pan.Contains(text) {
			a.Value = slog.StringValue(pan.Mask(text))
		} else {
			a.Value = v
		}
	default:
		a.Value = v
	}
	return a
}
