package demo

// place is somewhere to live: public facts of geography.
type place struct{ city, region, postal string }

func places() []place {
	return []place{
		{"New York", "NY", "10001"}, {"Brooklyn", "NY", "11201"}, {"Buffalo", "NY", "14201"}, {"Albany", "NY", "12207"},
		{"Newark", "NJ", "07102"}, {"Jersey City", "NJ", "07302"}, {"Philadelphia", "PA", "19103"}, {"Pittsburgh", "PA", "15222"},
		{"Boston", "MA", "02108"}, {"Hartford", "CT", "06103"}, {"Chicago", "IL", "60601"}, {"Detroit", "MI", "48226"},
		{"Cleveland", "OH", "44113"}, {"Columbus", "OH", "43215"}, {"Atlanta", "GA", "30303"}, {"Miami", "FL", "33130"},
		{"Houston", "TX", "77002"}, {"Dallas", "TX", "75201"}, {"Denver", "CO", "80202"}, {"Phoenix", "AZ", "85004"},
		{"Los Angeles", "CA", "90012"}, {"San Francisco", "CA", "94103"}, {"Seattle", "WA", "98101"}, {"Portland", "OR", "97204"},
	}
}

func firstNames() []string {
	return []string{
		"Ann", "Li", "Maria", "James", "Aisha", "David", "Sofia", "Omar", "Grace", "Kenji", "Elena", "Marcus", "Priya", "Thomas", "Fatima",
		"Lucas", "Hannah", "Diego", "Nora", "Samuel", "Mei", "Andre", "Chloe", "Ivan", "Zoe", "Rafael", "Leila", "Peter", "Amara", "Jonas",
		"Camila", "Ethan", "Yuki", "Olivia", "Malik", "Ingrid", "Carlos", "Ruth", "Daniel", "Svetlana", "Maximiliano", "Jo",
	}
}

func lastNames() []string {
	return []string{
		"Lee", "Wei", "Garcia", "Johnson", "Khan", "Miller", "Rossi", "Haddad", "Okafor", "Tanaka", "Petrova", "Brown", "Patel", "Schmidt",
		"Silva", "Nguyen", "Cohen", "Ramirez", "Larsen", "Wright", "Chen", "Dubois", "Martin", "Kowalski", "Adams", "Torres", "Rahimi", "Novak",
		"Mensah", "Berg", "Flores", "Clark", "Sato", "Walker", "Jones", "Lindqvist", "Mendoza", "Baker", "O'Neill", "Ivanova",
		"Featherstonehaugh-Castellanos", "Ng",
	}
}

func streets() []string {
	return []string{"Main Street", "Oak Avenue", "Maple Street", "Park Road", "Washington Street", "Lake Drive", "Hill Street", "Second Avenue", "Cedar Lane", "River Road"}
}

func purposes() []string {
	return []string{"Car repair", "Debt consolidation", "Home improvement", "Medical bills", "Moving", "Wedding", "Education", "Working capital"}
}
