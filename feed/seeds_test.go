//go:build !race

package feed_test

// defaultSeeds is how many lives of each kind are simulated.
const defaultSeeds = 12
