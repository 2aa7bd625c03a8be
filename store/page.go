package store

// Reached reports whether a page with so many entries and bytes is full. Bounds that are not
// positive don't count, and a page is never full without an entry.
func (l Limit) Reached(entries, bytes int) bool {
	return entries > 0 && (l.Entries > 0 && entries >= l.Entries || l.Bytes > 0 && bytes >= l.Bytes)
}

// pageChunk is the least a page's buffer grows by.
const pageChunk = 32 << 10

// Grab returns n bytes of the page's buffer, for backends to put an entry's bytes in. What
// was grabbed before stays valid when the buffer grows.
func (p *Page) Grab(n int) []byte {
	if n > cap(p.Buf)-len(p.Buf) {
		p.Buf = make([]byte, 0, max(n, pageChunk, min(2*cap(p.Buf), 1<<20)))
	}
	from := len(p.Buf)
	p.Buf = p.Buf[:from+n]
	return p.Buf[from : from+n : from+n]
}
