package message

import (
	"net/http"
	"strings"
)

// phrases are what pages say in one language. %s are the sender and the address.
type phrases struct {
	tag string

	badLinkTitle, badLink       string
	goneTitle, gone             string
	troubleTitle, trouble       string
	unreadable                  string
	askTitle, ask, askButton    string
	leftTitle, left             string
	choose                      string
	choiceTitle, choice, save   string
	nothingToChoose, orLeave    string
	savedTitle, saved, backLink string
}

var english = phrases{
	tag:          "en",
	badLinkTitle: "This link does not work", badLink: "It may have been cut when it was copied. Please open it from the mail itself.",
	goneTitle: "This mail is no longer kept", gone: "The link is of an old mail. A newer one of the same sender has links that work.",
	troubleTitle: "This did not work", trouble: "Nothing was changed. Please try it again in a minute.",
	unreadable: "The choice could not be read. Nothing was changed.",
	askTitle:   "Unsubscribe?", ask: "You get these mails from %s at %s.", askButton: "Unsubscribe",
	leftTitle: "You are unsubscribed", left: "We are sorry to see you go. A mail that is on its way already may still arrive.",
	choose:      "Choose what you want to receive",
	choiceTitle: "What do you want to receive?", choice: "Mails from %s to %s:", save: "Save",
	nothingToChoose: "There is nothing to choose from here.", orLeave: "Unsubscribe",
	savedTitle: "Your choice is saved", saved: "You can change it at any time by the link in our mails.", backLink: "Back to the choice",
}

var ukrainian = phrases{
	tag:          "uk",
	badLinkTitle: "Це посилання не працює", badLink: "Можливо, його скопійовано не повністю. Відкрийте його з самого листа.",
	goneTitle: "Цей лист більше не зберігається", gone: "Посилання з давнього листа. У новішому листі від того самого відправника посилання працюють.",
	troubleTitle: "Не вдалося", trouble: "Нічого не змінено. Спробуйте ще раз за хвилину.",
	unreadable: "Вибір не вдалося прочитати. Нічого не змінено.",
	askTitle:   "Відписатися?", ask: "Ви отримуєте ці листи від %s на адресу %s.", askButton: "Відписатися",
	leftTitle: "Вас відписано", left: "Шкода, що ви йдете. Лист, який уже в дорозі, ще може надійти.",
	choose:      "Вибрати, що отримувати",
	choiceTitle: "Що ви хочете отримувати?", choice: "Листи від %s на адресу %s:", save: "Зберегти",
	nothingToChoose: "Тут немає з чого вибирати.", orLeave: "Відписатися",
	savedTitle: "Ваш вибір збережено", saved: "Його можна змінити будь-коли за посиланням у наших листах.", backLink: "Назад до вибору",
}

// phrasesFor gives the first of the languages that a browser prefers, as it lists them; English when none is known.
func phrasesFor(r *http.Request) *phrases {
	for item := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(item), ";")
		language, _, _ := strings.Cut(strings.ToLower(tag), "-")
		switch language {
		case "uk":
			return &ukrainian
		case "en":
			return &english
		}
	}
	return &english
}
