package ocsf

import (
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// The classes that entries become.
const (
	accountChange  = 3001
	authentication = 3002
	userAccess     = 3005
	groupManage    = 3006
	apiActivity    = 6003
)

// other is the activity that a class has no number for.
const other = 99

// kind is the class and the activity of an entry, with what only that class has.
type kind struct {
	class, activity int
	name            string
	more            object
}

func kindOf(e *audit.Entry) kind {
	if k, is := signing(e); is {
		return k
	}
	if k, is := account(e); is {
		return k
	}
	if k, is := membership(e); is {
		return k
	}
	return kind{class: apiActivity, activity: crud(e.Operation), name: "API Activity"}
}

// target is the account that the entry is about, or else whoever acted.
func target(e *audit.Entry) object {
	if id, is := strings.CutPrefix(e.Object, "user/"); is {
		name := ""
		if "user/"+id == e.Actor {
			name = e.ActorName
		}
		return user(id, name)
	}
	if id, is := strings.CutPrefix(e.Actor, "user/"); is {
		return user(id, e.ActorName)
	}
	return object{"name": audit.Sealed} // the attempted name is not for everybody
}

func signing(e *audit.Entry) (kind, bool) {
	activity := 0
	switch e.Operation {
	case "session.begin", "session.begin_passkey":
		activity = 1 // Logon
	case "session.end", "session.end_one", "session.end_all", "session.end_others", "user.sign_out":
		activity = 2 // Logoff
	default:
		return kind{}, false
	}
	return kind{authentication, activity, "Authentication", object{"user": target(e), "service": object{"name": "Lendkeep"}, "is_remote": true}}, true
}

func account(e *audit.Entry) (kind, bool) {
	if !strings.HasPrefix(e.Object, "user/") && !strings.HasPrefix(e.Operation, "password.") {
		return kind{}, false
	}
	activity := 0
	switch e.Operation {
	case "user.create":
		activity = 1
	case "password.change":
		activity = 3
	case "password.reset":
		activity = 4
	case "user.factors.reset":
		activity = 11
	case "user.update":
		if k, is := given(e); is {
			return k, true
		}
		activity = switched(e)
	}
	return kind{accountChange, activity, "Account Change", object{"user": target(e)}}, activity != 0
}

// switched is Enable or Disable, where that is all that changed.
func switched(e *audit.Entry) int {
	if len(e.Changes) != 1 || e.Changes[0].Field != "active" {
		return 0
	}
	if e.Changes[0].After == "yes" {
		return 2
	}
	return 5
}

// given is a role that a person got, where that is all that changed.
func given(e *audit.Entry) (kind, bool) {
	if len(e.Changes) != 1 || e.Changes[0].Field != "role" || e.Outcome != operation.Allowed {
		return kind{}, false
	}
	return kind{userAccess, 1, "User Access Management", object{"user": target(e), "privileges": []string{e.Changes[0].After}}}, true
}

// membership is one person who was added to a team, or taken from it, where that is
// all that changed.
func membership(e *audit.Entry) (kind, bool) {
	if e.Operation != "team.update" || len(e.Changes) != 1 || e.Changes[0].Field != "members" {
		return kind{}, false
	}
	was, is := members(e.Changes[0].Before), members(e.Changes[0].After)
	gone := slices.DeleteFunc(slices.Clone(was), func(m string) bool { return slices.Contains(is, m) })
	come := slices.DeleteFunc(slices.Clone(is), func(m string) bool { return slices.Contains(was, m) })
	k := kind{class: groupManage, name: "Group Management", more: object{"group": object{"uid": strings.TrimPrefix(e.Object, "team/"), "type": "team"}}}
	switch {
	case len(come) == 1 && len(gone) == 0:
		k.activity, k.more["user"] = 3, user(come[0], "")
	case len(come) == 0 && len(gone) == 1:
		k.activity, k.more["user"] = 4, user(gone[0], "")
	default:
		return kind{}, false
	}
	return k, true
}

func members(joined string) []string {
	return strings.FieldsFunc(joined, func(r rune) bool { return r == ',' || r == ' ' })
}

// crud is the activity of an operation by its verb.
func crud(name string) int {
	verb := name[strings.LastIndexByte(name, '.')+1:]
	for activity, verbs := range map[int][]string{
		1: {"create", "add", "duplicate"},
		2: {"list", "list_all", "view", "export", "preview", "compare", "impact", "translate", "vocabulary", "holders", "explain", "page", "reveal", "sessions", "factors"},
		3: {"update", "set", "assign", "rename", "move", "edit"},
		4: {"delete", "remove"},
	} {
		if slices.Contains(verbs, verb) {
			return activity
		}
	}
	return other
}
