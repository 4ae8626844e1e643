package curl

// CutWords gives the words of a command line.
func CutWords(src string) ([]string, error) {
	words, err := cutWords(src)
	var texts []string
	for _, w := range words {
		texts = append(texts, w.text)
	}
	return texts, err
}
