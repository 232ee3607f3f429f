package ipstack

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/outbound"
)

// fromCall makes a Problem of an error of the way out. The error's own text is
// dropped, whatever it is: it could hold the URL, and with it the key.
func fromCall(ctx context.Context, err error) *Problem {
	if err == nil {
		return problem(EmptyAnswer)
	}
	switch outbound.KindOf(err) {
	case outbound.Timeout:
		return problem(Timeout)
	case outbound.Refused:
		return problem(Refused)
	case outbound.DNS:
		return problem(DNS)
	case outbound.TLS:
		return problem(TLS)
	case outbound.TooLarge:
		return problem(TooLarge)
	case outbound.BlockedAddress:
		return problem(BlockedAddress)
	case outbound.BadURL:
		return problem(BadURL)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return problem(Timeout)
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return problem(Cancelled)
	}
	return problem(Unreachable)
}
