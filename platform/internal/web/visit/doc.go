// Package visit is what every room of the web front shares: one HTTP request,
// taken to the gate and answered with a page.
//
// Invariants. The tenant comes from the Host alone, the person from the cookie
// __Host-lendkeep alone; a key is never looked at, so the channel is always the
// screens (or, for the hosted form, the portal). Everything that a page shows
// comes from one gate.Page: one snapshot, one audit entry. A form is taken only
// from a page of the same origin. Faults become pages in one place. What was
// typed is kept after an error, secrets excepted. No answer is cached, and every
// answer carries the content policy. The package knows no desk.
//
// # How a room is written
//
//	type Room struct{ desk *servicing.Desk }
//
//	func New(d *servicing.Desk) *Room { return &Room{d} }
//
//	func (r *Room) Routes(m *visit.Mux) {
//		m.Get("/loans", r.list)
//		m.Get("/loans/{id}", func(v *visit.Visit) { v.Show(r.loan(v)) })
//		m.Post("/loans/{id}/payments", r.logPayment)
//	}
//
//	// A list: the address holds the filter; Look binds path and query tags.
//	func (r *Room) list(v *visit.Visit) {
//		v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
//			out, err := visit.Look(ctx, v, p, r.desk.LoanList)
//			if err != nil {
//				return visit.View{}, err
//			}
//			return visit.View{Page: parts.Page{Title: "Loans"}, Body: loanList(v, out)}, nil
//		})
//	}
//
//	// A page as a Screen, because its forms come back to it with their errors.
//	func (r *Room) loan(v *visit.Visit) visit.Screen {
//		return func(ctx context.Context, p *gate.Page) (visit.View, error) {
//			out, err := visit.Look(ctx, v, p, r.desk.LoanView)
//			if err != nil {
//				return visit.View{}, err
//			}
//			may := p.Can("loan.payment.log", "loan/"+string(out.ID)) // ask here, not while rendering
//			return visit.View{Page: parts.Page{Title: out.Number}, Body: loanPage(v, out, may)}, nil
//		}
//	}
//
//	// A form: path tags from the address, json tags from the form's fields.
//	func (r *Room) logPayment(v *visit.Visit) {
//		visit.Act(v, r.desk.PaymentLog, func(out *servicing.Posting) visit.Answer {
//			return visit.Go("/loans/"+v.R.PathValue("id")+"/payments", "Payment logged.")
//		}, r.loan(v))
//	}
//
// In the template, a Sheet keeps what was typed, says what is wrong, carries the
// key that makes a second press harmless, and opens its dialog again:
//
//	{{ s := v.Sheet("payment") }}
//	@parts.Fields(s.Form(parts.Form{Action: "/loans/" + id + "/payments", Verb: "Log payment"})) {
//		@parts.Input(s.Field(parts.Field{Name: "amount", Label: "Amount", Kind: parts.Money, Required: true}))
//		@parts.Checkbox(s.Box(parts.Field{Name: "notify", Label: "Tell the borrower"}))
//	}
//	@parts.Confirmed(s.Confirm(parts.Confirm{ID: "reverse", …})) { … }
//
// A field of a pointer type is set when the form holds its name; name it in
// Sheet.Boxes if it is a box, which a browser leaves out when it is not ticked.
// Lists take repeated fields, or the lines of a text area; nested fields are
// written "applicant.address.city" and "rules[0].action". Fields whose names
// begin with "_" are the front's own. Where tags do not do, hand Act a Fill.
package visit
