package book

import "github.com/lendkeep/lendkeep/internal/keys"

// Sealed lists the ciphertext of these tables, for rotation and erasure.
func Sealed() []keys.Rewrap {
	return []keys.Rewrap{
		{Table: "borrower", Row: "id", Columns: personal[:], Under: keys.Persons, Person: "id"},
		{Table: "note", Row: "id", Columns: []string{"body"}, Under: keys.Persons, Person: "borrower_id"},
		{Table: "custom_value", Row: "loan_id || '/' || field_id", Columns: []string{"sealed"}, Under: keys.Persons,
			Person: "(SELECT l.borrower_id FROM loan l WHERE l.id = custom_value.loan_id)"},
	}
}

// Indexed lists the blind indexes of these tables, for rotation.
func Indexed() []keys.Blind {
	own := func(column, from, field string, normal func(string) string) keys.Blind {
		return keys.Blind{Table: "borrower", Row: "id", Column: column, Person: "id", Field: field, Normal: normal,
			Sealed: keys.Place{Cipher: from, Row: "id", Table: "borrower", Column: from}}
	}
	same := func(plain string) string { return plain }
	return []keys.Blind{own("email_index", "email", "borrower.email", emailKey), own("phone_index", "phone", "borrower.phone", phoneKey), own("ssn_index", "ssn", "borrower.ssn", same)}
}
