// Package evidence is the document that answers why one application was decided
// as it was: facts, sources, rules, reasons and history, as JSON and as PDF.
//
// It is pure: the document is handed in whole, with its instant. It holds what
// its printed data class says (name, declared place, shortened address) and has
// no field for anything else about a person. It must not know the database.
package evidence

// Class is the data class that every document prints.
const Class = "Personal: name, declared town and postal code, internet address shortened to its network. No contact data, no date of birth, no government id."

// Document is the evidence of one decision.
type Document struct {
	Made        string       `json:"made"`
	MadeFor     string       `json:"made_for"`
	Lender      string       `json:"lender"`
	Class       string       `json:"data_class"`
	Application Application  `json:"application"`
	Check       Check        `json:"network_check"`
	Decision    Decision     `json:"decision"`
	NoticeDue   string       `json:"notice_due,omitempty"`
	Rules       Rules        `json:"rule_set"`
	Decisions   []Decision   `json:"all_decisions"`
	Transitions []Transition `json:"transitions"`
}

// Application is what was applied for.
type Application struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	Applicant  string `json:"applicant"`
	Place      string `json:"declared_place"`
	Amount     string `json:"amount"`
	TermMonths int    `json:"term_months"`
	Received   string `json:"received"`
	Channel    string `json:"channel"`
	Status     string `json:"status"`
}

// Check is what was found out about the connection.
type Check struct {
	State    string   `json:"state"`
	Address  string   `json:"address_shortened"`
	ChosenBy string   `json:"address_reason"`
	At       string   `json:"at,omitempty"`
	RawHash  string   `json:"raw_hash,omitempty"` // SHA-256 of the provider's answer
	Failure  string   `json:"failure,omitempty"`
	Facts    []Fact   `json:"facts"`
	Sources  []Source `json:"sources"`
}

// Fact is one finding; the comparison of a place has both sides.
type Fact struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Declared string `json:"declared,omitempty"`
	Found    string `json:"found,omitempty"`
	How      string `json:"how,omitempty"`
}

// Source is who gave facts, and what they may be used for.
type Source struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	AgeSeconds  int64  `json:"age_seconds"`
	DecisionUse string `json:"decision_use"`
}

// Rules says which rules decided, and who made them.
type Rules struct {
	Version int64  `json:"version"`
	By      string `json:"by"` // empty as shipped
	At      string `json:"at"`
}

// Decision is one decision with what each rule found.
type Decision struct {
	At           string   `json:"at"`
	By           string   `json:"by"`
	Automatic    bool     `json:"automatic"`
	Outcome      string   `json:"outcome"`
	Note         string   `json:"note,omitempty"`
	RulesVersion int64    `json:"rules_version"`
	Met          int      `json:"rules_met"`
	Used         int      `json:"rules_used"`
	Unknown      int      `json:"rules_unknown"`
	Reasons      []string `json:"reasons"`
	Rules        []Rule   `json:"rules"`
}

// Rule is what one rule found and did.
type Rule struct {
	Title   string `json:"title"`
	Code    string `json:"reason_code"`
	Enabled bool   `json:"enabled"`
	Result  string `json:"result"`
	Action  string `json:"action"`
	Taken   string `json:"taken"`
	Inputs  string `json:"inputs"`
}

// Transition is one move of status.
type Transition struct {
	At     string `json:"at"`
	From   string `json:"from"`
	To     string `json:"to"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}
