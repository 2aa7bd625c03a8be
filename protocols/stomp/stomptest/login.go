package stomptest

import (
	"testing"
)

func loginScenarios() []Scenario {
	return []Scenario{
		{
			Name: "login/wrong-password", Versions: every(), Login: true,
			Ref: "a wrong password is an ERROR that names the user and not the password, and a close; nothing pipelined behind it is done",
			Run: func(_ *testing.T, e *Env) {
				reader := e.Connect()
				reader.Subscribe("1", e.Queue(""))
				c := e.Dial()
				f := F("CONNECT", "accept-version", e.Version, "host", "x", "login", e.target.User, "passcode", e.target.Pass+"x", "receipt", "r")
				c.WriteRaw(f.encode("") + F("SEND", "destination", e.Queue(""), "intruder").encode(e.Version))
				got := c.Expect("ERROR")
				e.Header(got, "message", "User name ["+e.target.User+"] or password is invalid.")
				e.Header(got, "receipt-id", "r")
				c.awaitEnd()
				reader.Quiet()
			},
		},
		{
			Name: "login/unknown-user", Versions: every(), Login: true,
			Ref: "an unknown user gets the same answer",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(F("CONNECT", "accept-version", e.Version, "host", "x", "login", "nobody", "passcode", "x"))
				e.Header(c.Expect("ERROR"), "message", "User name [nobody] or password is invalid.")
				c.awaitEnd()
			},
		},
		{
			Name: "login/missing", Versions: every(), Login: true,
			Ref: "no user at all is refused as well",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(F("CONNECT", "accept-version", e.Version, "host", "x"))
				e.Header(c.Expect("ERROR"), "message", "User name [null] or password is invalid.")
				c.awaitEnd()
			},
		},
	}
}
