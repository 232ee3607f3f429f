# One decision with its reason, first layer first. data.acme is what the
# tenant has set, input one call.
package office

default decision := {"allowed": false, "granted": false, "reason": "role_lacks_operation"}

decision := refused("tenant_inactive") if {
	not input.tenant_active
} else := refused("user_inactive") if {
	not input.user_active
} else := refused("key_expired") if {
	input.key_expired
} else := refused("session_ended") if {
	input.session_ended
} else := refused("address_denied") if {
	some prefix in data.acme.deny
	net.cidr_contains(prefix, input.address)
} else := refused("address_not_allowed") if {
	some allow in data.acme.allow
	not within(allow)
} else := refused("password_expired") if {
	input.channel == "ui"
	input.password_stale
} else := refused("factor_stale") if {
	input.channel == "ui"
	input.factor_missing
} else := {"allowed": true, "granted": false, "reason": "ok"} if {
	data.acme.roles[input.role][input.channel][input.operation]
} else := {"allowed": true, "granted": true, "reason": "ok"} if {
	input.at < lent
} else := refused("grant_expired") if {
	lent
}

refused(reason) := {"allowed": false, "granted": false, "reason": reason}

within(prefixes) if {
	some prefix in prefixes
	net.cidr_contains(prefix, input.address)
}

# lent is the instant until which a walkthrough lends the operation.
lent := data.acme.grants[input.user][input.operation][input.object][input.session] if {
	input.channel == "ui"
}
