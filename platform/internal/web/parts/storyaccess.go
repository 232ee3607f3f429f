package parts

import "time"

// storyScreens is the tree of a role editor.
func storyScreens() Permissions {
	return Permissions{ID: "story-ui", Label: "permissions in Screens", Columns: []PermissionColumn{{"ui", "Screens"}}, Nodes: storyPermissions(func(n Permission) Permission {
		n.Endpoint, n.Boxes = "", n.Boxes[:1]
		return n
	})}
}

func storyAPI() Permissions {
	return Permissions{ID: "story-api", Label: "permissions in the API", Columns: []PermissionColumn{{"api", "API"}}, Nodes: storyPermissions(func(n Permission) Permission {
		n.Boxes = n.Boxes[1:]
		return n
	})}
}

func storyBoth() Permissions {
	return Permissions{ID: "story-both", Label: "permissions", Columns: []PermissionColumn{{"both_ui", "Screens"}, {"both_api", "API"}}, Nodes: storyPermissions(func(n Permission) Permission { return n })}
}

func storyPermissions(each func(Permission) Permission) []Permission {
	leaf := func(title, name, endpoint string, writes bool, grave Badge, boxes ...PermissionBox) Permission {
		return each(Permission{Title: title, Name: name, Endpoint: endpoint, Writes: writes, Sensitivity: grave, Boxes: boxes})
	}
	held, none, gained, lost := PermissionBox{Held: true, Was: true}, PermissionBox{}, PermissionBox{Held: true}, PermissionBox{Was: true}
	money, personal, security := Badge{Warn, "money", ""}, Badge{Warn, "personal data", ""}, Badge{Danger, "security", ""}
	return []Permission{
		{Title: "Loans", Open: true, Children: []Permission{
			{Title: "Loan manager", Children: []Permission{
				leaf("List loans", "loan.list", "GET /loans", false, Badge{}, held, held),
				leaf("Export loans", "loan.export", "GET /loans.csv", false, personal, none, none),
			}},
			{Title: "Loan", Open: true, Children: []Permission{
				leaf("View summary", "loan.view", "GET /loans/{id}", false, Badge{}, held, held),
				leaf("Log payment", "loan.payment.log", "POST /loans/{id}/payments", true, money, gained, lost),
				leaf("Reverse payment", "loan.payment.reverse", "POST /loans/{id}/payments/{payment}/reverse", true, money, lost, none),
				leaf("Reveal government id", "borrower.reveal", "POST /borrowers/{id}/reveal", true, personal, none, PermissionBox{Absent: true}),
				leaf("Send the statement of everything that was ever posted to "+longName, "loan.statement.send_with_a_long_name", "POST /loans/{id}/statements/{statement}/deliveries/{delivery}/retries", true, Badge{}, none, none),
			}},
		}},
		{Title: "Settings", Children: []Permission{
			leaf("Edit roles", "role.edit", "PATCH /roles/{id}", true, security, PermissionBox{Held: true, Was: true, Locked: "Not yours to grant"}, PermissionBox{Locked: "Not yours to grant"}),
			leaf("View roles", "role.view", "GET /roles/{id}", false, Badge{}, held, none),
		}},
	}
}

const storyRoleBefore = `role: Third-party servicer
about: Takes payments for Acme
visibility:
  government_id: full
  date_of_birth: month_day
screens:
  - loan.list
  - loan.view
  - loan.payment.reverse
  - note.add
  - note.list
api:
  - loan.list
`

const storyRoleAfter = `role: Third-party servicer
about: Takes payments for Acme
visibility:
  government_id: last4
  date_of_birth: month_day
screens:
  - loan.list
  - loan.view
  - loan.payment.log
  - note.add
  - note.list
api:
  - loan.list
  - loan.view # needed by the nightly export, which reads every loan of the portfolio and its schedule
`

func storyListChanges() []ListChange {
	return []ListChange{
		{Field: "Screens", Added: []string{"Log payment"}, Removed: []string{"Reverse payment", longName}, Kept: 41},
		{Field: "API", Added: []string{"GET /loans/{id}"}},
	}
}

func storyUntil(minutes int) Ending {
	return Ending{At: At(storyNow+int64(minutes)*60_000_000, time.UTC), Seconds: minutes * 60}
}

func storyRequests() []Request {
	at := func(minutes int64) Moment { return Ago(storyNow-minutes*60_000_000, storyNow, time.UTC) }
	until := At(storyNow+3*86_400_000_000, time.UTC)
	return []Request{
		{Title: "Edit role “Third-party servicer”", Href: "/access/inbox/1", State: Badge{Unknown, "Waiting", ""}, Who: "Kim Park", When: at(12), Ends: &until, Object: &Link{"role/third-party-servicer", "/settings/roles/1"},
			Reason: "They take payments from December on.", Acts: []Button{{Label: "Approve", Action: "/access/inbox/1/approve"}, {Label: "Reject…", Opens: "story-reject"}},
			Changes: []DiffRow{{"Log payment, Screens", "", "held"}, {"Reverse payment, Screens", "held", ""}, {"Government id", "full", "last 4"}, {"Name", "Servicer", "Third-party servicer"}, {"API", "1 operation", "2 operations"}}},
		{Title: "Write off 212.40 USD", Href: "/access/inbox/2", State: Badge{Unknown, "Waiting", ""}, Who: "you", When: at(190), Object: &Link{"loan/1042", "/loans/1042"}, Note: "You asked for this: another person decides."},
		{Title: "Log payment for " + longName, State: Badge{OK, "Granted", ""}, Who: "Sam Ortiz", When: at(2000), Object: &Link{"loan/1042", ""}, Reason: longName},
	}
}

func storyOnce() ShownOnce {
	return ShownOnce{ID: "story-key", Title: "Key ‘nightly export’", Value: "lk_7Q2M9ZK4_4f7Yb1nVx0Tq8sRj3cLw6hPe5uGd2aKm", Note: "Store it now, in the program’s secret store: it is shown this one time.", Stored: "/settings/users/1"}
}

func storyCodes() ShownOnce {
	return ShownOnce{ID: "story-codes", Title: "Recovery codes", Note: "Each works once, when your phone is not at hand. Print them or store them; they are shown this one time.",
		Codes: []string{"7k2m-qx9d", "p3v8-w4zt", "h6nf-2rbc", "m9yg-5sjl", "t4dk-8vxq", "c7wp-3hzn", "r2lb-6fmy", "x5gs-9tjd"}, Done: &Act{Verb: "I have stored them", Action: "/factors/stored", Kind: Primary}}
}

// storyQR looks like a code, though no phone can read it.
func storyQR() QR {
	path := ""
	for y := range 29 {
		for x := range 29 {
			if corner(x, y) || corner(28-x, y) || corner(x, 28-y) || (x > 8 && y > 8 && (x*x*7+y*y*5+x*y)%3 == 0) {
				path += "M" + Count(x) + " " + Count(y) + "h1v1h-1z"
			}
		}
	}
	return QR{ID: "story-qr", Label: "Code for the authenticator app", Path: path, Size: 29, Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"}
}

// corner draws the square at the corner of a code.
func corner(x, y int) bool {
	if x > 6 || y > 6 {
		return false
	}
	d := max(max(x-3, 3-x), max(y-3, 3-y))
	return d != 2
}

func storyUnderstood() Understood {
	return Understood{
		Title:      "“Denver office” would lock you out",
		Effects:    []string{"Your address 203.0.113.9 is not in the set, and the set is assigned to your role.", "You keep a way back for 10 minutes. If nobody keeps the change until then, it is undone."},
		Understand: "I understand that I may lose access, also to undo this",
		Action:     "/settings/address-rules/1", Hidden: []Hidden{{"name", "Denver office"}}, Verb: "Save all the same", Kind: Destructive, Cancel: "/settings/address-rules/1",
	}
}
