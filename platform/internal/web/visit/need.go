package visit

import (
	"net/url"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Need keeps people from filling in what they may not send: in place of the page of
// a form it gives the denial that sending it would meet, recorded as that, so that
// it leads to why and to asking for the right. lacks is false for whoever may send
// it, a fresh proof aside, which is asked for then.
//
//	if denied, lacks := visit.Need(v, p, r.desk.Create, ""); lacks {
//		return denied, nil
//	}
func Need[In, Out any](v *Visit, p *gate.Page, o *gate.Op[In, Out], object string) (denied View, lacks bool) {
	if p.Can(o.Name, object) {
		return View{}, false
	}
	// The gate is called when the page's own snapshot has been let go. Nothing is
	// done: should the right have been given meanwhile, an empty form is refused.
	return View{instead: func() {
		_, err := run(v, v.Request(), o, func(url.Values, *In) error {
			return fault.New(fault.Malformed, "nothing_sent", "Open the page again.")
		})
		v.Refuse(err)
	}}, true
}
