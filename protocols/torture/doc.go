// Package torture loads a broker and audits what it did with every message.
//
// A Run drives a Workload: producers with windows of unconfirmed sends, consumers that settle
// one by one, cumulatively or in transactions, with confirmation or without, or are handed what
// is settled already, relays that consume and produce in one transaction, durable
// subscriptions. Each writes what it attempts and what the broker confirms
// into one Ledger. The broker may be killed and started again, cut off or replaced meanwhile:
// clients connect again and go on. At the end, Drain takes out what is left, and Audit holds the
// ledger against the promises of a broker: nothing confirmed is lost, nothing whose settlement was
// confirmed comes back, what comes back says so, transactions apply whole or not at all, content
// and order are kept.
//
// It speaks to brokers through the interface of package client, by URL, and so to any broker.
package torture
