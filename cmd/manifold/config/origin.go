package config

// Source says which kind of place a value came from. Higher ones win.
type Source uint8

// The sources, weakest first.
const (
	FromDefault Source = iota
	FromFile
	FromEnv
	FromFlag
)

// Origin is where a value came from.
type Origin struct {
	Source Source
	Where  string // "config.yaml:12", "MANIFOLD_LIMITS_MEMORY", "--limits-memory"; empty for a default
}

// String returns the place, or "default".
func (o Origin) String() string {
	if o.Source == FromDefault {
		return "default"
	}
	return o.Where
}
