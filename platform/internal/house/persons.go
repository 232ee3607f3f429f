package house

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	columns "github.com/lendkeep/lendkeep/platform/internal/privacy/register"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// persons lists what every table holds about borrowers and applicants: what an
// erasure overwrites and an export tells. A test holds it against the schema, so
// that a column without a class is refused.
func persons() []columns.Table {
	return slices.Concat(lending(), applying(), asked(), trailed(), apart())
}

// kin asks origination for every application of a person.
func kin(ctx context.Context, tx *db.Tx, t *tenant.Tenant, who privacy.Known) ([]id.Application, error) {
	return docket.OfPerson(ctx, tx, t.Ring, t.Persons, who.Email, who.Phone, who.SSN)
}

// same asks servicing for every borrower who is that person.
func same(ctx context.Context, tx *db.Tx, t *tenant.Tenant, who privacy.Known) ([]id.Borrower, error) {
	return book.OfPerson(ctx, tx, t.Ring, who.SSN)
}

// keptFor asks privacy which entries of the trail a legal hold speaks of.
func keptFor(ctx context.Context, tx *db.Tx, category string) (out retention.Held, err error) {
	out.Whole, out.Entries, out.Basis, err = privacy.HeldEntries(ctx, tx, category)
	return out, err
}

// lending is the loan book.
func lending() []columns.Table {
	return []columns.Table{
		{Name: "borrower", Title: "Person", By: "id", Whose: columns.Borrowers, Order: "id", Row: "id", Sealed: "email phone date_of_birth ssn line1", Words: "first_name city",
			Blank: "last_name reference postal_code", Copies: "name_key surname_key", Index: "email_index phone_index ssn_index", Kept: "id region country created_at@ updated_at@", Inner: "import_id erased_at"},
		{Name: "loan", Title: "Loans", By: "id", Whose: columns.Loans, Order: "created_at, id", Copies: "borrower_key",
			Kept:   "id number application_id status principal$ annual_rate% term_months convention contract_date# first_due# opened_on# principal_balance$ fees_due$ oldest_unpaid_due# next_due# next_amount$ level_payment$ created_at@",
			Inner:  "borrower_id source_company_id due_key borrower_region borrower_country revision import_id shown placed_balance placed_due placed_opened placed_status",
			Beside: "placed_borrower", How: "the place in a kept order moves when the loan's own key has changed"},
		{Name: "loan_term", Title: "Terms of loans", By: "loan_id", Whose: columns.Loans, Order: "loan_id, from_date", Kept: "loan_id from_date# rate% payment$ created_at@"},
		{Name: "ledger_entry", Title: "Ledger", By: "loan_id", Whose: columns.Loans, Order: "loan_id, posted_at, id", Words: "memo", Kept: "id loan_id kind amount$ effective# posted_at@ reverses method", Inner: "posted_by"},
		{Name: "note", Title: "Notes", By: "loan_id", Whose: columns.Loans, Order: "created_at, id", Row: "id", Key: "borrower_id", Sealed: "body", Kept: "loan_id author_name created_at@", Inner: "id borrower_id author"},
		{Name: "custom_value", Title: "Custom fields", By: "loan_id", Whose: columns.Loans, Order: "loan_id, field_id", Row: "loan_id || '/' || field_id",
			Key: "(SELECT l.borrower_id FROM loan l WHERE l.id = custom_value.loan_id)", Gone: true, Sealed: "sealed", Words: "text_value", Kept: "loan_id field_id number_value"},
		{Name: "loan_portfolio", Title: "Portfolios", By: "loan_id", Whose: columns.Loans, Order: "loan_id, portfolio_id", Kept: "loan_id portfolio_id", Inner: "number"},
		{Name: "document_part", By: "(SELECT d.subject FROM document d WHERE d.id = document_part.document_id)", Whose: columns.Objects, Order: "document_id, n", Row: "document_id || '/' || CAST(n AS TEXT)",
			Gone: true, Files: "content", Inner: "document_id n"},
		{Name: "document", Title: "Documents", By: "subject", Whose: columns.Objects, Order: "added_at, id", Row: "id", Key: "person", Sealed: "head:name,type,size,sha256 reason", Kept: "id subject added_by_name added_at@ removed_at@ removed_by_name",
			Inner: "person added_by removed_by"},
		{Name: "visible_place", Never: "set_no sort num number", Beside: "txt", How: "as loan.placed_borrower"},
		{Name: "idempotency", Never: "principal operation given_key at", Beside: "answer request_hash", How: "kept answers that name the person are removed"},
	}
}

// applying is the applications.
func applying() []columns.Table {
	return []columns.Table{
		{Name: "application", Title: "Applications", By: "id", Whose: columns.Applications, Order: "created_at, id", Row: "id", Sealed: "email phone date_of_birth ssn line1", Words: "first_name city purpose",
			Blank: "last_name postal_code", Copies: "name_key surname_key", Index: "email_index phone_index address_index",
			Kept:  "id seq region country amount$ term_months channel status outcome check_state created_at@ notice_due# decided_at@ decided_by_name loan_id",
			Inner: "source_company_id verdict_id machine_id check_id asked_id decided_by revision erased_at"},
		{Name: "network_check", Title: "Network checks", By: "application_id", Whose: columns.Applications, Order: "at, id", Row: "id", Sealed: "address peer forwarded user_agent facts", Blank: "raw_hash",
			Kept: "application_id state chosen sources failure at@", Inner: "id asked_id"},
		{Name: "verdict", Title: "Decisions", By: "application_id", Whose: columns.Applications, Order: "at, id", Words: "note", Lists: "reasons", Kept: "application_id rules_version input results outcome automatic actor_name at@", Inner: "id check_id actor"},
		{Name: "application_transition", Title: "Transitions of applications", By: "application_id", Whose: columns.Applications, Order: "application_id, n", Words: "reason", Kept: "application_id n from_status to_status actor_name at@", Inner: "actor"},
	}
}

// asked is what somebody asked for about the person's matters.
func asked() []columns.Table {
	return []columns.Table{
		{Name: "proposal", Title: "Proposals", By: "object", Whose: columns.Objects, Also: "operation NOT IN ('borrower.erase', 'application.erase')", Order: "proposed_at, id", Tenant: "input difference", Words: "reason remark",
			Kept: "operation object state proposed_at@ decided_at@", Inner: "id proposed_by ends_at decided_by"},
		{Name: "access_request", Title: "Requests for access", By: "object", Whose: columns.Objects, Order: "made_at, id", Words: "reason remark", Kept: "operation object state made_at@ decided_at@",
			Inner: "id user_id channel layer change until decided_by decision address lent_role"},
		{Name: "access_grant", Title: "Lent rights", By: "object", Whose: columns.Objects, Order: "made_at, id", Kept: "object operations fields made_at@ until@ ended_at@", Inner: "id user_id session_id source"},
		{Name: "lent_loan", Title: "Lent loans", By: "loan_id", Whose: columns.Loans, Order: "made_at, loan_id", Kept: "loan_id made_at@ until@", Inner: "user_id made_by"},
		{Name: "legal_hold", Title: "Legal holds", By: "subject", Whose: columns.Objects, Order: "placed_at, id", Words: "reason matter release_reason", Kept: "subject placed_by_name placed_at@ released_by_name released_at@", Inner: "id placed_by released_by"},
		{Name: "data_export", Title: "Exports of these data", By: "object", Whose: columns.Objects, Order: "made_at, id", Words: "reason", Kept: "object format made_by_name made_at@", Inner: "id made_by"},
		{Name: "erasure", Title: "Erasures", By: "object", Whose: columns.Objects, Order: "asked_at, id", Kept: "object state reason approved_by_name asked_at@ ended_at@", Inner: "id applications approved_by moved_at mark found trouble"},
	}
}

// trailed is the audit trail: what it holds about people lies under their own keys.
func trailed() []columns.Table {
	const how = "personal values lie under the person's key, which is destroyed; texts that were searched for are cut out"
	return []columns.Table{
		{Name: "audit_pending", Never: "n id at hold burst count actor operation object outcome channel address body", Beside: "sealed", How: how},
		{Name: "audit_entry", Never: "sequence id at actor operation object object_sequence outcome channel address body leaf chain disposal", Beside: "sealed", How: how},
		{Name: "audit_chain", Never: "object length last head"}, {Name: "audit_state", Never: "name size head holder until"}, {Name: "audit_tree", Never: "name size edge"},
		{Name: "audit_node", Never: "level place hash"}, {Name: "audit_checkpoint", Never: "size at note"}, {Name: "audit_handover", Never: "key at note"},
		{Name: "audit_retention", Never: "category months changed_at changed_by reached basis looked_at disposed last_at"},
		{Name: "audit_witness", Never: "id kind target key active created_at created_by size note taken_at tried_at trouble parted"},
	}
}

// apart is tables about staff, rules and the house itself: nothing in them is
// about a borrower or an applicant.
func apart() []columns.Table {
	return []columns.Table{
		{Name: "policy_version", Never: "id version tenant_active"},
		{Name: "role", Never: "id name description shipped ui api visibility customized changed_at changed_by lent_from"},
		{Name: "staff", Never: "id email name role_id active machine password_hash password_at failures locked_until created_at grantable role_until role_after password_must_change"},
		{Name: "session", Never: "id token_hash user_id created_at seen_at ends_at ended_at address user_agent factor_at proved_at view_as view_draft"},
		{Name: "api_key", Never: "id locator secret_hash user_id label server created_at created_by expires_at revoked_at used_at used_address scope successor"},
		{Name: "site_key", Never: "id public_key label origins source_company active created_at"},
		{Name: "password_reset", Never: "token_hash user_id created_at ends_at used_at invitation"},
		{Name: "password_history", Never: "user_id set_at password_hash"},
		{Name: "search_restriction", Never: "id name visible borrowers applications created_at limits changed_at changed_by"},
		{Name: "staff_restriction", Never: "user_id restriction_id"}, {Name: "restriction_pause", Never: "user_id restriction_id until"},
		{Name: "ip_rule", Never: "id name deny entries active created_at changed_at changed_by"}, {Name: "ip_rule_holder", Never: "rule_id kind holder"},
		{Name: "access_setting", Never: "id factors_required password_days lock_after lock_minutes four_eyes"},
		{Name: "team", Never: "id name created_at"}, {Name: "team_member", Never: "team_id user_id"}, {Name: "team_restriction", Never: "team_id restriction_id"},
		{Name: "second_factor", Never: "id user_id kind label credential sealed last_step active made_at used_at"}, {Name: "recovery_code", Never: "user_id code_hash used_at"},
		{Name: "admin_recovery", Never: "id user_id reason asked_at effective_at state decided_by decided_at remark"},
		{Name: "factor_exception", Never: "id user_id reason approved_by made_at until ended_at"}, {Name: "factor_challenge", Never: "token_hash user_id purpose state until"},
		{Name: "way_back", Never: "token_hash rule_id before after user_id until used_at"},
		{Name: "source_company", Never: "id name created_at"}, {Name: "portfolio", Never: "id name created_at"}, {Name: "import_run", Never: "id kind file_hash started_at beat_at landed_at"},
		{Name: "custom_field", Never: "id name kind class default_text default_number created_at"}, {Name: "loan_tally", Never: "id loans borrowers numbered"},
		{Name: "visible_set", Never: "set_no set_key rules day state loans bit walked built_to made_at"},
		{Name: "application_counter", Never: "id last"}, {Name: "rule_set", Never: "version applicant network by_id by_name at"},
		{Name: "ipstack_connection", Never: "id version base_url access_key timeout_ms use_confirmed confirmed_by confirmed_at trouble trouble_words trouble_at trouble_until tested_at test_ok test_words"},
		{Name: "job", Never: "id kind dedupe payload state run_at due_at created_at attempts lease last_error"},
		{Name: "key_rotation", Never: "id purpose old_version new_version state mark pass seen total trouble asked_by asked_at moved_at proved_at drop_at ended_at"},
		{Name: "key_proof", Never: "rotation_id place found remaining broken first_row"}, {Name: "key_policy", Never: "purpose rotate_days keep_days changed_at changed_by"},
		{Name: "backup", Never: "id kind begun_at begun_by ended_at bytes sha256 trouble"}, {Name: "privacy_setting", Never: "id loan_months changed_at changed_by"},
	}
}
