package main_test

import (
	"fmt"
	"testing"
)

// A privacy officer, with the keyboard alone: places a hold on a borrower, is told to
// leave out of the reason what tells who it is, finds the hold among all of them and
// ends it, and sees one field of an applicant in full.
func TestAPrivacyOfficerAtWork(t *testing.T) {
	chromium(t)
	r := startDemo(t)
	person := at(activeLoan(t, r), "borrower.id").(string)
	b := openBrowser(t, r, 1280, 900)
	b.signIn(r.facts.Users["admin"])
	b.open("/borrowers/" + person)
	b.press("Privacy")
	b.says("is open.")
	b.send("place", "Call 212 555 0147")
	b.says("Leave out what tells who the person is")
	b.shot("privacy-refused")
	b.open("/borrowers/" + person + "/privacy")
	b.send("place", "A preservation letter")
	b.says("The hold is in force.")
	b.says("A legal hold is in force")
	b.shot("privacy-held")
	b.fair()
	b.press("All holds, erasures and exports")
	b.says("A preservation letter")
	b.shot("privacy-all")
	_, list := r.call(t, "GET", "/legal-holds", r.as("admin"), nil)
	b.send("release-"+list["items"].([]any)[0].(map[string]any)["id"].(string), "The letter was withdrawn")
	b.says("The hold is released.")
	b.shot("privacy-released")
	b.fair()

	_, applications := r.call(t, "GET", "/applications", r.as("underwriter"), nil)
	b.open("/applications/" + fmt.Sprint(applications["items"].([]any)[0].(map[string]any)["id"]) + "?tab=customer")
	b.send("reveal-email", "Calling back")
	b.says("Shown in full")
	b.shot("applicant-revealed")
	b.fair()
}
