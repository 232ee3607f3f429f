package visit

import (
	"net/url"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// ActWithFile is Act for a form with a file, which goes to where the input keeps
// it. What was typed comes back after a fault; a file has to be chosen again.
func ActWithFile[In, Out any](v *Visit, o *gate.Op[In, Out], where func(in *In) *parcel.File, done func(out *Out) Answer, again Screen) {
	v.parcel = new(parcel.File)
	Act(v, o, done, again, func(form url.Values, in *In) error {
		*where(in) = *v.parcel
		return Decode(form, in)
	})
}

// readParcel reads a form with a file, once. A file that is too large is a
// fault of its field: people choose another one on the same page.
func (v *Visit) readParcel() error {
	file, form, err := v.mux.dock.Take(v.R)
	if f := fault.As(err); err != nil && f.Kind == fault.TooLarge {
		v.typed = url.Values{formName: {parcel.Field}}
		return fault.Bad(parcel.Field, f.Message)
	}
	if err != nil {
		return err
	}
	v.typed, *v.parcel = form, file
	return nil
}
