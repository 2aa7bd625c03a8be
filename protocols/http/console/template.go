package console

import (
	"fmt"
	"html/template"
	"strings"
)

// parseTemplates reads the pages, each with what surrounds it.
func parseTemplates() (map[string]*template.Template, error) {
	names := []string{
		"overview", "queues", "queue", "browse", "message", "topics", "subscribers", "connections", "scheduled", "deadletters", "send", "login", "done", "error",
	}
	pages := make(map[string]*template.Template, len(names))
	for _, name := range names {
		t, err := template.New(name).Funcs(template.FuncMap{"bytes": humanBytes, "clip": clip}).
			ParseFS(files, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		pages[name] = t
	}
	return pages, nil
}

// humanBytes writes a size for people.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n), "KMGTP"
	i := -1
	for ; value >= 1024 && i+1 < len(units); i++ {
		value /= 1024
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0") + " " + units[i:i+1] + "iB"
}
