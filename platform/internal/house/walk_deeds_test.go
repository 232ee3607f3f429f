package house_test

// deeds are the bodies with which operations are really done through the API, on
// things that are there. What is not named needs none.
func deeds() map[string]string {
	const role = `"ui":["loan.list"],"api":["loan.list"]`
	const rule = `"mode":"deny","entries":["192.0.2.0/24"],"active":true,"holders":[]`
	const removal = `{"reason":"somebody else's"}`
	const borrowers = `{"csv":"reference,first_name,last_name\nB-{n},Ann,Lee\n"}`
	return map[string]string{
		"access.explain":                   `{"user":"{user}","operation":"loan.view","object":"loan/{loan}"}`,
		"access.simulate":                  `{"role":{"id":"{role}","ui":["loan.list"],"api":[]},"users":["{user}"]}`,
		"access_request.create":            `{"operation":"{wanted}","reason":"a court decided","until":"{tomorrow}"}`,
		"access_request.refuse":            `{"remark":"no"}`,
		"access_setting.update":            `{"lock_minutes":20}`,
		"audit.retention.update":           `{"months":30,"reason":"our counsel asks for it"}`,
		"audit.witness.add":                `{"kind":"mail","target":"witness{n}@example.com"}`,
		"admin_recovery.refuse":            `{"reason":"we are here"}`,
		"api_key.create":                   `{"label":"Key {n}","scope":["me.view"]}`,
		"api_key.rotate":                   `{"overlap_hours":1}`,
		"api_key.update":                   `{"label":"Key {n}"}`,
		"application.approve":              `{"annual_rate":"0.1","reason":"good"}`,
		"application.data.export":          `{"reason":"asked for by letter"}`,
		"application.erase":                `{"reason":"asked for by letter"}`,
		"application.reject":               `{"reason":"no","adverse_reasons":["Income is too low."]}`,
		"application.reprocess":            `{"reason":"look again"}`,
		"application.document.add":         aFile,
		"application.document.remove":      removal,
		"borrower.document.add":            aFile,
		"borrower.document.remove":         removal,
		"loan.document.add":                aFile,
		"loan.document.remove":             removal,
		"application.submit":               `{"applicant":{"first_name":"Ann","last_name":"Lee","email":"a@example.com","phone":"+1 212 555 0123","date_of_birth":"1990-04-01","ssn":"078-05-1120","address":{"line1":"1 Main Street","city":"Town","region":"NY","postal_code":"10001","country":"US"}},"requested":{"amount":"5000.00","term_months":24}{client}}`,
		"borrower.create":                  `{"first_name":"Bob","last_name":"Kim"}`,
		"borrower.data.export":             `{"reason":"asked for by letter"}`,
		"borrower.erase":                   `{"reason":"asked for by letter"}`,
		"borrower.reveal":                  `{"field":"email","reason":"a call"}`,
		"borrower.search.contact":          `{"email":"ann@example.com"}`,
		"borrower.search.ssn":              `{"ssn":"078-05-1120"}`,
		"application.reveal":               `{"field":"email","reason":"a call"}`,
		"borrower.update":                  `{"first_name":"Anna"}`,
		"custom_field.create":              `{"name":"field{n}","kind":"text","class":"public"}`,
		"decision_engine.update":           `{network}`,
		"decision_engine.preview":          `{"days":7}`,
		"decision_engine.applicant.update": `{applicant}`,
		"factor_exception.grant":           `{"reason":"lost the telephone","until":"{tomorrow}"}`,
		"four_eyes.demand":                 `{"operations":["loan.write_off"]}`,
		"four_eyes.waive":                  `{"operations":["loan.write_off"]}`,
		"import.borrowers":                 borrowers,
		"import.loans":                     `{"csv":"number,borrower_reference,principal,annual_rate,term_months,contract_date\n"}`,
		"ip_rule.create":                   `{"name":"Rule {n}",` + rule + `}`,
		"ip_rule.preview":                  `{"name":"Rule {n}",` + rule + `}`,
		"ip_rule.update":                   `{"name":"Rule {n}",` + rule + `}`,
		"ipstack.update":                   `{"base_url":"https://api.example.com","access_key":"abcdef","timeout_ms":1000,"use_confirmed":true}`,
		"key.destroy":                      `{"reason":"a backup was lost"}`,
		"key.policy.update":                `{"rotate_days":90}`,
		"key.rotate":                       `{"reason":"a person left"}`,
		"lent_loan.grant":                  `{"loan":"{loan}","until":"{tomorrow}","reason":"a call"}`,
		"loan.adjustment.post":             `{"amount":"1.00","reason":"a mistake"}`,
		"loan.create":                      `{"borrower_id":"{borrower}","principal":"100.00","annual_rate":"0","term_months":12}`,
		"loan.custom_field.set":            `{"fields":[{"name":"vip","value":"true"}]}`,
		"loan.entry.reverse":               `{"reason":"returned"}`,
		"loan.fee.charge":                  `{"amount":"1.00","memo":"late"}`,
		"loan.note.add":                    `{"body":"called"}`,
		"loan.payment.log":                 `{"amount":"1.00","method":"cash"}`,
		"loan.portfolio.move":              `{"loans":["{loan}"],"add":["Acme"]}`,
		"loan.portfolio.set":               `{"portfolios":["Acme"]}`,
		"loan.status.set":                  `{"status":"on_hold","reason":"a letter"}`,
		"loan.write_off":                   `{"reason":"gone"}`,
		"policy_file.import":               `{"yaml":"version: 1\n","dry_run":true}`,
		"portfolio.create":                 `{"name":"Portfolio {n}"}`,
		"privacy.hold.place":               `{"subject":"loan/{loan}","reason":"a lawsuit"}`,
		"privacy.hold.release":             `{"reason":"settled"}`,
		"privacy.setting.update":           `{"loan_months":36}`,
		"proposal.reject":                  `{"reason":"no"}`,
		"role.create":                      `{"name":"Role {n}",` + role + `}`,
		"role.duplicate":                   `{"name":"Role {n}"}`,
		"role.impact":                      `{` + role + `}`,
		"role.update":                      `{"name":"Role {n}",` + role + `}`,
		"search_restriction.assign":        `{"users":["{user}"],"teams":[]}`,
		"search_restriction.create":        `{"name":"Restriction {n}","visible":"true"}`,
		"search_restriction.preview":       `{"visible":"true"}`,
		"search_restriction.translate":     `{"of":"loans","text":"loan.status == \"active\""}`,
		"search_restriction.update":        `{"name":"Restriction {n}","visible":"true"}`,
		"site_key.create":                  `{"label":"Form {n}","origins":["https://apply.example.com"]}`,
		"site_key.update":                  `{"label":"Form {n}"}`,
		"source_company.create":            `{"name":"Company {n}"}`,
		"team.create":                      `{"name":"Team {n}"}`,
		"team.update":                      `{"name":"Team {n}"}`,
		"user.create":                      `{"email":"more{n}@acme.test","name":"One More","role":"Investor"}`,
		"user.grantable":                   `{"operations":["loan.view"]}`,
		"user.update":                      `{"name":"Another Name"}`,
	}
}

// aFile is a form with a file, as programs send it.
const aFile = "--walk\r\nContent-Disposition: form-data; name=\"file\"; filename=\"letter {n}.txt\"\r\n\r\nDear Ann\r\n--walk--\r\n"

// queries are what reads are asked with, where they want to be asked for something.
func queries() map[string]string {
	return map[string]string{"role.compare": "?a={role}&b={role}", "access_request.prepare": "?decision={decision}"}
}

// subjects say what a parameter of a route stands for, by the words before it; the
// longest prefix wins. The screens and the API share the list.
func subjects() map[string]string {
	return map[string]string{
		"/access-requests/{id}": "wish", "/access/requests/{id}": "wish", "/access-requests/": "request", "/access/requests/": "request", "/access-requests/{id}/withdraw": "wish", "/access/requests/{id}/withdraw": "wish",
		"/api-keys/": "key", "/settings/api-keys/": "key", "/applications/": "application", "/audit/": "audit", "/audit/witnesses/": "witness", "/audit/retention/": "category", "/audit/of/": "noun", "/audit/of/{noun}/": "user", "/borrowers/": "borrower",
		"/borrowers/{id}/erase": "leaver", "/applications/{id}/erase": "old", "/erasures/": "erasure", "/legal-holds/": "hold", "/admin-recoveries/": "recovery", "/settings/recovery/": "recovery", "/settings/privacy/holds/": "hold",
		"/users/": "user", "/settings/users/": "user", "/users/{id}/factor-exceptions/": "exception", "/settings/users/{id}/exceptions/": "exception",
		"/users/{id}/lent-loans/": "lent", "/access/lent-loans/": "user", "/access/lent-loans/{id}/": "lent", "/grants/": "grant", "/settings/lent-rights/": "grant", "/ip-rules/": "iprule", "/settings/address-rules/": "iprule",
		"/loans/{id}/documents/": "loanpaper", "/borrowers/{id}/documents/": "borrowerpaper", "/applications/{id}/documents/": "applicationpaper",
		"/keys/": "keypurpose", "/settings/encryption-keys/": "keypurpose", "/keys/{purpose}/versions/": "oldversion", "/settings/encryption-keys/{purpose}/versions/": "oldversion", "/key-rotations/": "rotation",
		"/loans/": "loan", "/loans/{id}/entries/": "entry", "/me/api-keys/": "mykey", "/me/sessions/": "session", "/me/sign-in/factors/": "factor",
		"/proposals/": "proposal", "/approvals/": "proposal", "/proposals/{id}/withdraw": "mine", "/approvals/{id}/withdraw": "mine",
		"/roles/": "role", "/settings/roles/": "role", "/roles/{id}/restore": "position", "/settings/roles/{id}/restore": "position", "/search-restrictions/": "restriction", "/settings/search-restrictions/": "restriction",
		"/site-keys/": "sitekey", "/settings/site-keys/": "sitekey", "/teams/": "team", "/settings/teams/": "team", "/apply/": "sitekey",
	}
}
