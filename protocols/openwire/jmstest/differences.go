package jmstest

import "strings"

// Differences returns the documented differences from ActiveMQ, and what is not there yet, as two Markdown tables.
func Differences(list []Scenario) string {
	var b strings.Builder
	b.WriteString("| Behaviour | ActiveMQ | Why Manifold differs | Scenario |\n|---|---|---|---|\n")
	for _, s := range list {
		if s.ActiveMQ != "" {
			b.WriteString("| " + cell(s.Ref) + " | " + cell(s.ActiveMQ) + " | " + cell(s.Why) + " | `" + s.Name + "` |\n")
		}
	}
	missing := false
	for _, s := range list {
		if s.Later == "" {
			continue
		}
		if !missing {
			b.WriteString("\nNot there yet:\n\n| Behaviour of ActiveMQ | Missing | Scenario |\n|---|---|---|\n")
			missing = true
		}
		b.WriteString("| " + cell(s.Ref) + " | " + cell(s.Later) + " | `" + s.Name + "` |\n")
	}
	return b.String()
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
