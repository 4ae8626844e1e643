package vtl

// tokenKind names a token. The names are those of the reference grammar.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokZeroWidth
	tokLoneSymbol // $ or # at the end of the source
	tokText       // whole lines
	tokInlineText
	tokWhitespace
	tokNewline
	tokSuffix // blanks and newline after a lone $ or #
	tokEscape
	tokDoubleEscape
	tokEscapeDirective
	tokEmptyIndex
	tokTextblock
	tokCommentStart
	tokCommentEnd
	tokBlockComment
	tokSet
	tokIf
	tokElseIf
	tokElse
	tokEnd
	tokWord
	tokBracketedWord
	tokIdentifier
	tokDot
	tokLCurly
	tokRCurly
	tokPipe
	tokOr2
	tokIndexOpen
	tokIndexClose
	tokLParen
	tokRParen
	tokMethodClose
	tokLBracket
	tokRBracket
	tokComma
	tokDoubleDot
	tokColon
	tokLeftCurly
	tokRightCurly
	tokString
	tokInteger
	tokFloat
	tokTrue
	tokFalse
	tokMinus
	tokPlus
	tokMultiply
	tokDivide
	tokModulus
	tokAnd
	tokOr
	tokLT
	tokLE
	tokGT
	tokGE
	tokEQ
	tokNE
	tokNot
	tokAssign
	tokMergeTag // %NAME|default%, an option of our own
)

// token is a piece of the source: src[pos:end]. Between pre and pos lies what the
// reference calls special tokens: lone $ and # that turned out to be text.
type token struct {
	kind          tokenKind
	pre, pos, end int32
}

// lexState is a state of the token machine.
type lexState uint8

const (
	stateDefault lexState = iota
	statePreReference
	stateReference
	stateModifier  // after a dot
	stateArguments // between the parentheses of a method
	stateAfterCall
	stateIndex
	stateAlternate
	stateDirective
	statePreDirective
	stateLineComment
	stateBlockComment
	stateFormalComment
	stateTextblock
)

// zeroWidth is the character that the reference sends before the end of the source.
const zeroWidth = 0x1C
