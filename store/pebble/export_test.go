package pebble

import "context"

// Compact rewrites all tables, as the engine's background work does with some.
func (s *Store) Compact(ctx context.Context) error {
	return s.db.Compact(ctx, []byte{0}, []byte{0xff}, false)
}

// BlobRewrites returns how often a blob file was rewritten, and whether that was given up.
func (s *Store) BlobRewrites() (n int64, givenUp bool) {
	return s.db.Metrics().Compact.BlobFileRewriteCount, s.keepBlobs.Load()
}
