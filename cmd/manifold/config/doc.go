// Package config is the broker's configuration: one typed struct, and one table of options from
// which the file's grammar, the command-line flags, the environment variables, the reference
// page and the commented sample file all come.
//
// A value's origins, weakest first: the default, the file, the environment, a flag. The file is
// strict YAML: what is not understood is an error with its line, never ignored. Nothing here
// imports the broker: package main maps a [Config] to
// the options of the packages that it starts.
package config

//go:generate sh -c "go run github.com/manifoldmq/manifold/cmd/manifold config reference --format markdown > ../../../docs/configuration.md"
//go:generate sh -c "go run github.com/manifoldmq/manifold/cmd/manifold config reference --format yaml > ../../../config.yaml"
