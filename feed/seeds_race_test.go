//go:build race

package feed_test

// defaultSeeds is how many lives of each kind are simulated. The race detector
// makes one ten times as long, and sees what it is for in any of them.
const defaultSeeds = 3
