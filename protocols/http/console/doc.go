// Package console is the operator's web console: pages that the broker renders itself, for any
// browser, with scripts turned off as well. What a page shows, it also gives as JSON with
// ?format=json.
//
// Whoever is let in by package access sees figures; to see messages and to change something takes
// the right on the destination, and the caller's rights are asked for at every action, whatever
// page it was sent from. An action is a POST with a token against forgery, from this site.
//
// ActiveMQ's own console is remembered in its addresses: its pages lead to the ones here, and its
// XML figures, which scripts read, are answered.
package console
