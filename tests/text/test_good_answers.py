"""Good answers, in several languages: strict as the guards are, these must be taken."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

GOOD = [
    ("proofread", "i dint see it comming", "I didn't see it coming."),
    ("proofread", "he dont know nothing about it", "He doesn't know anything about it."),
    (
        "proofread",
        "I could of went there yesterday but i was to tired.",
        "I could have gone there yesterday, but I was too tired.",
    ),
    (
        "proofread",
        "Their going to bring there own food, arent they",
        "They're going to bring their own food, aren't they?",
    ),
    ("proofread", "The reason is because we was late.", "The reason is that we were late."),
    ("proofread", "she dont works here no more", "She doesn't work here any more."),
    ("proofread", "I am living here since five years.", "I have been living here for five years."),
    ("proofread", "Can you borrow me 20 dollars until monday?", "Can you lend me 20 dollars until Monday?"),
    ("proofread", "the the cat sat on on the mat", "The cat sat on the mat."),
    (
        "proofread",
        "alot of people was their and alot of them was angry",
        "A lot of people were there, and a lot of them were angry.",
    ),
    (
        "proofread",
        "Irregardless of what he say, we should of waited.",
        "Regardless of what he says, we should have waited.",
    ),
    (
        "proofread",
        "Me and Anna was at the cinema, it were great",
        "Anna and I were at the cinema; it was great.",
    ),
    (
        "proofread",
        "I have went to Paris last year with Tom and his wife Julia.",
        "I went to Paris last year with Tom and his wife Julia.",
    ),
    (
        "proofread",
        "Please sent me the invoice #4711 for 1,200.50 $ before 03/04/2026",
        "Please send me invoice #4711 for $1,200.50 before 03/04/2026.",
    ),
    (
        "proofread",
        "contact us at info@example.org or call +49 30 1234567 , thanks",
        "Contact us at info@example.org or call +49 30 1234567, thanks.",
    ),
    (
        "proofread",
        "hi {name} , your order %s are ready, klick on [the link](https://a.example/x?y=1).",
        "Hi {name}, your order %s is ready; click on [the link](https://a.example/x?y=1).",
    ),
    ("proofread", "the freind who i visited was realy happy", "The friend whom I visited was really happy."),
    ("proofread", "Everyone have there own oppinion.", "Everyone has their own opinion."),
    (
        "proofread",
        "we was thinking that maybe we could perhaps go",
        "We were thinking that maybe we could go.",
    ),
    ("proofread", "What do this word means", "What does this word mean?"),
    (
        "proofread",
        "I wish I was more taller so that I can reach the shelf",
        "I wish I were taller so that I could reach the shelf.",
    ),
    (
        "proofread",
        "The company have it's headquarter in London since ten years.",
        "The company has had its headquarters in London for ten years.",
    ),
    ("proofread", "Not only he sings, but he also dance.", "Not only does he sing, but he also dances."),
    ("proofread", "who's book is this? its mine", "Whose book is this? It's mine."),
    ("proofread", "I've got to many emails in my in box 😀", "I've got too many emails in my inbox 😀"),
    (
        "proofread",
        "Weather permiting we will went to the beach :)",
        "Weather permitting, we will go to the beach :)",
    ),
    (
        "proofread",
        "the version 2.10.3 is brocken, use v2.9.1 in stead",
        "Version 2.10.3 is broken; use v2.9.1 instead.",
    ),
    (
        "proofread",
        "open C:\\Users\\bob\\notes.txt and the file ~/bin/run.sh, than save them",
        "Open C:\\Users\\bob\\notes.txt and the file ~/bin/run.sh, then save them.",
    ),
    ("proofread", "@maria have fixed #123 yesterday :tada:", "@maria fixed #123 yesterday :tada:"),
    ("proofread", "ich weis nicht ob er heute noch komt", "Ich weiß nicht, ob er heute noch kommt."),
    (
        "proofread",
        "Wir haben uns gefreut das sie gekommen sind.",
        "Wir haben uns gefreut, dass Sie gekommen sind.",
    ),
    (
        "proofread",
        "Wegen dem Regen sind wir zuhause geblieben.",
        "Wegen des Regens sind wir zu Hause geblieben.",
    ),
    ("proofread", "Er hat mir gesagt, das er kein Zeit hat.", "Er hat mir gesagt, dass er keine Zeit hat."),
    (
        "proofread",
        "am montag den 3. april treffen wir uns um 14:30 uhr in münchen",
        "Am Montag, den 3. April, treffen wir uns um 14:30 Uhr in München.",
    ),
    ("proofread", "Das Auto von mein Vater ist kaput gegangen", "Das Auto meines Vaters ist kaputtgegangen."),
    (
        "proofread",
        "Ich freue mich auf ihre Antwort und verbleibe mit freundlichen grüßen",
        "Ich freue mich auf Ihre Antwort und verbleibe mit freundlichen Grüßen",
    ),
    (
        "proofread",
        "Die Kinder hat im Garten gespielt und haben sich dreckig gemacht gestern.",
        "Die Kinder haben gestern im Garten gespielt und sich dreckig gemacht.",
    ),
    ("proofread", "je ne sait pas se qu'il veux", "Je ne sais pas ce qu'il veut."),
    (
        "proofread",
        "Les enfant sont aller au parc avec leur amis.",
        "Les enfants sont allés au parc avec leurs amis.",
    ),
    ("proofread", "Il faut que tu viens demain a huit heure", "Il faut que tu viennes demain à huit heures."),
    ("proofread", "j'ai pas vu le film que tu parle", "Je n'ai pas vu le film dont tu parles."),
    ("proofread", "Malgré qu'il pleut nous sommes sorti.", "Bien qu'il pleuve, nous sommes sortis."),
    ("proofread", "sa fait longtemps que on c'est pas vu", "Ça fait longtemps qu'on ne s'est pas vus."),
    ("proofread", "ayer fuimos ha la playa con mis amigo", "Ayer fuimos a la playa con mis amigos."),
    (
        "proofread",
        "habian muchas personas en la fiesta de maria",
        "Había muchas personas en la fiesta de María.",
    ),
    ("proofread", "no se que aser con este problema", "No sé qué hacer con este problema."),
    (
        "proofread",
        "me gusta los perros y las gatos pero no los pajaros",
        "Me gustan los perros y los gatos, pero no los pájaros.",
    ),
    ("proofread", "donde esta la estacion de tren", "¿Dónde está la estación de tren?"),
    (
        "proofread",
        "Nosotros a comprado tres kilos de manzana por 5,50 €",
        "Nosotros hemos comprado tres kilos de manzanas por 5,50 €.",
    ),
    ("proofread", "io ho andato al mare con i mei amici", "Sono andato al mare con i miei amici."),
    ("proofread", "ik heb gister naar de winkel gegaan", "Ik ben gisteren naar de winkel gegaan."),
    ("proofread", "eu gosta muito de voce e da sua familia", "Eu gosto muito de você e da sua família."),
    ("proofread", "我昨天去了学校，我很高心。", "我昨天去了学校，我很高兴。"),
    (
        "proofread",
        "きのう学校に行きましたが、友達がいませでした。",
        "きのう学校に行きましたが、友達がいませんでした。",
    ),
    ("proofread", "я вчера ходил в магазин и купила хлеб", "Я вчера ходил в магазин и купил хлеб."),
    ("dictation", "my mail is bob at example dot com", "My mail is bob@example.com."),
    ("dictation", "um go to w w w dot example dot org slash help", "Go to www.example.org/help."),
    ("dictation", "the price is nineteen euros ninety nine", "The price is €19.99."),
    ("dictation", "ich komme um neun", "Ich komme um 9 Uhr."),
    ("dictation", "das treffen ist um halb neun", "Das Treffen ist um 8:30 Uhr."),
    ("dictation", "it was very very cold in in the house", "It was very, very cold in the house."),
    ("dictation", "so basically we need uh two more days you know", "We need two more days."),
    ("dictation", "call me at five five five one two three four", "Call me at 555-1234."),
    ("dictation", "the temperature is minus five degrees", "The temperature is -5 degrees."),
    ("dictation", "i dint want to to go there", "I didn't want to go there."),
    ("dictation", "dash first item new line dash second item", "- First item\n- Second item"),
    (
        "dictation",
        "guten tag frau müller komma neue zeile vielen dank für ihre nachricht punkt",
        "Guten Tag, Frau Müller,\nvielen Dank für Ihre Nachricht.",
    ),
    (
        "dictation",
        "der termin ist am einundzwanzigsten mai um halb acht",
        "Der Termin ist am 21. Mai um 7:30.",
    ),
    ("dictation", "le rendez-vous est à quatorze heures trente", "Le rendez-vous est à 14 h 30."),
    (
        "dictation",
        "la reunión es el veintiuno de mayo a las tres y media",
        "La reunión es el 21 de mayo a las 3:30.",
    ),
    ("dictation", "what time is it in tokyo right now", "What time is it in Tokyo right now?"),
    ("dictation", "i think that that is is a good idea", "I think that that is a good idea."),
    ("dictation", "version two point five is out", "Version 2.5 is out."),
    (
        "dictation",
        "we need one hundred and fifty chairs and two thousand cups",
        "We need 150 chairs and 2,000 cups.",
    ),
    (
        "dictation",
        "twenty twenty six will be a good year i mean a great year",
        "2026 will be a good year, I mean, a great year.",
    ),
    (
        "rewrite",
        "We was late because the train it did not came.",
        "We were late because the train did not come.",
    ),
    (
        "concise",
        "At this point in time we are not able to make a decision about the matter.",
        "We cannot decide yet.",
    ),
    (
        "professional",
        "hey, the numbers are wrong again, fix it",
        "The numbers are incorrect again; please correct them.",
    ),
    ("friendly", "Send me the report today.", "Could you please send me the report today? Thank you!"),
    (
        "translate",
        "Send me the report by Friday at 10:30.",
        "Schicken Sie mir den Bericht bis Freitag um 10:30 Uhr.",
    ),
    (
        "summary",
        "The library opens at nine. It has a small cafe on the ground floor and a garden behind it. Children "
        "may borrow three books, grown-ups ten. On Sundays it is closed.",
        "The library opens at nine, has a cafe and a garden, and is closed on Sundays.",
    ),
    (
        "keypoints",
        "The library opens at nine. Children may borrow three books, grown-ups ten. On Sundays it is closed.",
        "- Opens at nine\n- Children: three books; grown-ups: ten\n- Closed on Sundays",
    ),
    (
        "table",
        "Anna has 3 cats. Bob has 2 dogs.",
        "| Name | Animals |\n|---|---|\n| Anna | 3 cats |\n| Bob | 2 dogs |",
    ),
    ("custom", "the cat sleeps on the sofa", "THE CAT SLEEPS ON THE SOFA"),
]


@pytest.mark.parametrize(("tool", "source", "answer"), GOOD)
async def test_a_good_answer_is_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert (" ".join(result.text.split()), result.reason) == (" ".join(answer.split()), None)
