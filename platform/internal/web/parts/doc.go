// Package parts is the design system of the web front: every page is put
// together from these parts and brings no markup or style of its own.
//
// Invariants. Parts take plain structs and print them; they read no request, no
// clock and no data, and know neither desks nor the gate. What a person may not
// open is left out by whoever fills the struct. No part prints an inline style,
// script or event handler, so that the strict content policy holds. A meaning is
// never told by colour alone. Every control has a label, every id on a page is
// made from a name the page chose, so names must differ within a page. All pages
// work without script; script (package static) makes them quicker.
//
// A room renders one page with
//
//	parts.Frame(page).Render(templ.WithChildren(ctx, body), w)      // from Go
//	@parts.Frame(page) { … }                                        // from templ
//
// # Whole pages
//
//	Frame(Page) {…}              staff page: rail, bar, title, actions, tabs, toasts, "?" help
//	SignedOut(SignedOutPage) {…} sign-in, password reset
//	Borrower(BorrowerPage) {…}   public page, phone first; Brand = address of BrandCSS's sheet
//	Told(Outcome)                what the borrower reads at the end
//	BrandCSS(Brand)              the lender's three colours as a stylesheet, or why they cannot be read
//
// # Layout
//
//	Split(side) {…}              two thirds content, one third facts (detail pages)
//	ListAndDetail(list) {…}      a list at the left, the chosen thing at the right
//	Stack() {…}                  parts under each other
//	Block(Section) {…}           titled section: Title, Note, Action component
//	Tabs(label, []Tab)           links; Frame prints Page.Tabs under the title by itself
//	Contents([]Chapter)          the pages of a large place, by groups
//	Note(Meaning, text)          a line that explains or warns;  Para(text)
//	Inline(…components)          small parts beside each other: a masked value and its button
//
// # Lists
//
//	FilterLine(FilterBar)        GET form of Search, Filters (first option Value "" = any), Dates
//	Listing(Table)               chips, sticky head, rows, pager, empty state, selection, export
//	                             Table{Caption, Columns: []Column{{Head, Unit, Align, Sort, Sorted}},
//	                             Rows: []Row{{Href, Cells: []templ.Component{…}}}, Chips, Pager, Empty}
//	Pages(Pager)                 "1–50 of 3,214" ‹ ›
//	cells                        Words, Two, QuietWords, Figures (money, counts: Align Right), DateText,
//	                             Time, Code, Anchor, Status, Many, Verdict, Dash
//
// # Facts
//
//	Facts([]Fact)                definition list; Fact{Term, Value component, Note}
//	Tiles([]Figure)              a row of few figures that matter
//	Status(Badge) Verdict(Badge) mark and word, with and without ground
//	MoneyText(amount, currency)  an amount outside a table
//	Diff(caption, []DiffRow)     field, before, after;  DiffLists(caption, []ListChange) + and −
//	DiffText(TextDiff)           lines of a text: Lines(before, after, around) compares them
//	Timeline([]Event)            newest first;  Spread(Histogram) a list over time, as links
//	Breakdown(summary, open, []Division)  of what a selection consists, as links;  Behind(summary) {…}
//	Progress(id, Advance)        long work
//	Explained(Trace) {…}         a decision, layer by layer, and what can be done about it
//	Tree(label, []Node)          what a role permits, to be read
//	Requests(label, []Request, Empty)  what waits for a second person
//	At(µs, zone) Clock(µs, zone) Ago(µs, now, zone) → Moment;  Count(n) → "3,214"
//
// # Risk and rules
//
//	Risk(RiskTile)               Network security tile; RiskRow.Levels opens the location popover
//	RuleBuilder(Builder)         a restriction's expression as rows and as text, one text area
//	                             posted; Exchanged, ExchangedFault answer its Exchange
//	LiveCount(Counting)          "3,214 of 18,902 loans" and a sample, asked again as the form
//	                             changes; Counted answers it
//	RuleRows(label, []Rule)      rule editor rows inside a form;  Preview(Outlook) the last 90 days
//
// # Forms
//
//	Fields(Form) {…}             <form> with error summary, hidden values, verb, cancel
//	Input(Field)                 Kind: Text Password Email Phone Money Date Whole SearchText Web Secret
//	Select(Field) Radios(Field)  Options, Value
//	TextArea(Field) Checkbox(Field) FileInput(Field)
//	Legend(title, hint) {…}      fieldset;  SideBySide() {…} short fields in one line
//	ErrorSummary([]Problem)      printed by Fields and Confirmed; Problem.Field is the field's Name
//	Stepped(label, []Step)       a form in steps, one panel at a time; #step-NAME is the address
//	TriState(Permissions)        what a role permits, to be changed
//	StepUpForm(StepUp) StepUpDialog(StepUp)  the second factor again;  PasskeyButton(Passkey)
//	AskedAgain(Understood)       a second question after a first refusal
//	Problems(err) ErrorAt(err, name)   the lines of a fault.Error, for the summary and for Field.Error
//
// # Acts
//
//	Press(Button) Buttons(...Button)   Href = link, Opens = dialog id, else submits;
//	                             Needs = the right that is lacking: it presses nothing and says so
//	MenuButton(Menu)             presets, ⋯; Item with Href, Action (POST) or Opens
//	Modal(Dialog) {…}            native dialog;  Confirmed(Confirm) {…} asks before a destructive act;
//	                             give its first field Focus, and Open when it comes back with an error
//	Popover(Aside) {…}           hover and focus
//
// # States
//
//	Nothing(Empty)               says what would be here, offers the first step
//	Denied(Denial)               says what is missing, decision id, links WhyHref, RequestHref
//	Banners([]Banner)            printed by Frame from Page.Banners: ViewingAs, WayBack
//	Revealed(ShownOnce)          a secret shown once;  QRCode(QR)  Copy(id, what)  Countdown(Ending)
//	Toasts([]Toast)              printed by Frame from Page.Toasts
//
// Storybook shows all of it with invented data.
package parts
