package engine

// question is a security question that every domain has.
type question struct {
	id    string
	texts []localText
}

// localText is a text in one language.
type localText struct{ locale, text string }

// predefinedQuestions are the fifteen of recorded answers. Of the first two all
// languages are recorded, of the others the English text; their German, Spanish,
// French and Italian ones are our own, a guess.
func predefinedQuestions() []question {
	return []question{
		{"FavoriteBook", []localText{
			{"de", "Was ist Ihr Lieblingsbuch?"},
			{"en", "What's your favorite book?"},
			{"es", "¿Cuál es su libro favorito?"},
			{"fr", "Quel est votre livre préféré ?"},
			{"it", "Qual è il suo libro preferito?"},
			{"ja", "好きな本は何ですか。"},
			{"ko", "좋아하는 책은 무엇입니까?"},
			{"no", "Hva er favorittboken din?"},
			{"pt", "Qual é seu livro favorito?"},
			{"zh-Hans", "您最喜欢哪本书?"},
			{"zh-Hant", "您最喜歡哪一本書?"},
		}},
		{"FavoriteFood", []localText{
			{"de", "Was ist Ihr Lieblingsessen?"},
			{"en", "What's your favorite food?"},
			{"es", "¿Cuál es su comida favorita?"},
			{"fr", "Quel est votre plat préféré ?"},
			{"it", "Qual è il suo piatto preferito?"},
			{"ja", "好きな食べ物は何ですか。"},
			{"ko", "좋아하는 음식은 무엇입니까?"},
			{"no", "Hva er favorittmaten din?"},
			{"pt", "Qual é o seu prato favorito?"},
			{"zh-Hans", "您最喜欢哪种食物?"},
			{"zh-Hant", "您最喜歡什麼食物?"},
		}},
		{"FavoriteToy", []localText{
			{"de", "Was war Ihr Lieblingsspielzeug als Kind?"},
			{"en", "What's your favorite childhood toy?"},
			{"es", "¿Cuál era su juguete favorito de la infancia?"},
			{"fr", "Quel était votre jouet préféré dans votre enfance ?"},
			{"it", "Qual era il suo giocattolo preferito da bambino?"},
		}},
		{"FavoriteTeam", []localText{
			{"de", "Was ist Ihre Lieblingsmannschaft?"},
			{"en", "What's your favorite sports team?"},
			{"es", "¿Cuál es su equipo deportivo favorito?"},
			{"fr", "Quelle est votre équipe sportive préférée ?"},
			{"it", "Qual è la sua squadra preferita?"},
		}},
		{"FirstCar", []localText{
			{"de", "Welches Modell war Ihr erstes Auto?"},
			{"en", "What's the model of your first car?"},
			{"es", "¿De qué modelo fue su primer coche?"},
			{"fr", "Quel était le modèle de votre première voiture ?"},
			{"it", "Di che modello era la sua prima auto?"},
		}},
		{"FirstManager", []localText{
			{"de", "Wie lautet der Vorname Ihres ersten Vorgesetzten?"},
			{"en", "What's the first name of your first manager?"},
			{"es", "¿Cuál es el nombre de su primer jefe?"},
			{"fr", "Quel est le prénom de votre premier chef ?"},
			{"it", "Come si chiama di nome il suo primo capo?"},
		}},
		{"DreamJob", []localText{
			{"de", "Was ist Ihr Traumberuf?"},
			{"en", "What's your dream job?"},
			{"es", "¿Cuál es el trabajo de sus sueños?"},
			{"fr", "Quel est le métier de vos rêves ?"},
			{"it", "Qual è il lavoro dei suoi sogni?"},
		}},
		{"FirstMovie", []localText{
			{"de", "Welchen Film haben Sie als ersten gesehen?"},
			{"en", "What's the first movie you saw?"},
			{"es", "¿Cuál fue la primera película que vio?"},
			{"fr", "Quel est le premier film que vous avez vu ?"},
			{"it", "Qual è il primo film che ha visto?"},
		}},
		{"FavoriteTeacher", []localText{
			{"de", "Wie heißt Ihr Lieblingslehrer?"},
			{"en", "What's your favorite teacher's name?"},
			{"es", "¿Cómo se llama su maestro favorito?"},
			{"fr", "Quel est le nom de votre professeur préféré ?"},
			{"it", "Come si chiama il suo insegnante preferito?"},
		}},
		{"FavoriteMovie", []localText{
			{"de", "Was ist Ihr Lieblingsfilm?"},
			{"en", "What's your favorite movie?"},
			{"es", "¿Cuál es su película favorita?"},
			{"fr", "Quel est votre film préféré ?"},
			{"it", "Qual è il suo film preferito?"},
		}},
		{"MaidenName", []localText{
			{"de", "Wie lautet der Geburtsname Ihrer Mutter?"},
			{"en", "What's your mother's maiden name?"},
			{"es", "¿Cuál es el apellido de soltera de su madre?"},
			{"fr", "Quel est le nom de jeune fille de votre mère ?"},
			{"it", "Qual è il cognome da nubile di sua madre?"},
		}},
		{"FirstPet", []localText{
			{"de", "Wie hieß Ihr erstes Haustier?"},
			{"en", "What's your first pet's name?"},
			{"es", "¿Cómo se llamaba su primera mascota?"},
			{"fr", "Quel est le nom de votre premier animal ?"},
			{"it", "Come si chiamava il suo primo animale?"},
		}},
		{"ChildhoodHero", []localText{
			{"de", "Wer war der Held Ihrer Kindheit?"},
			{"en", "Who's your childhood hero?"},
			{"es", "¿Quién es el héroe de su infancia?"},
			{"fr", "Qui est le héros de votre enfance ?"},
			{"it", "Chi è l'eroe della sua infanzia?"},
		}},
		{"FirstTimeOnPlane", []localText{
			{"de", "Wohin ging Ihr erster Flug?"},
			{"en", "Where'd you go the first time you flew?"},
			{"es", "¿A dónde fue en su primer vuelo?"},
			{"fr", "Où êtes-vous allé lors de votre premier vol ?"},
			{"it", "Dove è andato la prima volta in aereo?"},
		}},
		{"FavoriteSportsPerson", []localText{
			{"de", "Wer ist Ihr Lieblingsspieler?"},
			{"en", "Who's your favorite player?"},
			{"es", "¿Quién es su jugador favorito?"},
			{"fr", "Quel est votre joueur préféré ?"},
			{"it", "Chi è il suo giocatore preferito?"},
		}},
	}
}
