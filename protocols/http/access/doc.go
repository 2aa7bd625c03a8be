// Package access says who sends a request to the management surface, and what that caller may do.
//
// The token of the API may do everything. A user of the broker may look if he is in one of the
// groups that may administrate or monitor, and act if he is in one that may administrate; and each
// act, and each look into messages, also needs the right on its destination that a client would
// need. Where no permissions are configured every configured user may do everything, here
// too; whom another source vouches for needs a group, as it may be a guest. Guests never
// get in, and where security is off only the token does: a web page that somebody opens in a
// browser on the broker's machine must not be let in by that.
package access
