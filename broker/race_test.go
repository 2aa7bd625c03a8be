//go:build race

package broker_test

// raceDetector says that pools drop things at random, so that allocations can't be counted.
const raceDetector = true
