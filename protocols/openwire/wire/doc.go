// Package wire is OpenWire's codec: structures, their loose and tight encodings in versions 1 to
// 12, the marshalling cache, frames, and the negotiation of all that. It only computes.
//
// What a Reader returns is good until its next call, but for what the structures' comments say
// lives longer: ids and destinations that came through the cache.
package wire

//go:generate go run ./generate
