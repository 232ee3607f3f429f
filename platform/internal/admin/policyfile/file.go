package policyfile

import (
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
)

// version is the form of the file; another one is refused.
const version = "1"

// File is what a file says, and the line of each thing in it.
type File struct {
	Roles        []Role
	Restrictions []restrictions.RestrictionIn
	IPSets       []IPSet
	lines        map[string]int // by path: "roles[0].ui[3]"
}

// Role is a role of the file. One that follows the product holds no lists.
type Role struct {
	roles.Content
	Shipped string
	Follows bool
}

// IPSet is an address rule of the file. Without a list of holders it keeps those
// that it has.
type IPSet struct {
	addresses.Content
	Holders []Holder
	Keeps   bool // the file says nothing of holders
}

// Holder is whom a rule binds: roles and teams by name, users and keys by id.
type Holder struct{ Kind, Name string }

// line gives the line of a path, or of the nearest thing around it.
func (f *File) line(path string) int {
	for path != "" {
		if n, ok := f.lines[path]; ok {
			return n
		}
		end := len(path) - 1
		for end > 0 && path[end] != '.' && path[end] != '[' {
			end--
		}
		path = path[:end]
	}
	return 1
}
