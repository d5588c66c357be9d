"""A rewording may say a no in other words, and may not turn it into a yes."""

from __future__ import annotations

import pytest

from ingle.text.polarity import turned
from tests.text.scripted import answered

pytestmark = pytest.mark.slow

TURNED = [
    ("Do not cancel the order.", "Please cancel the order."),
    ("Do not close the window.", "Please close the window."),
    ("Please stop the car.", "Please do not stop the car."),
    ("The room is empty.", "The room is not empty."),
    ("Do not open the door.", "Could you please open the door?"),
    ("Do not open the door. It is not locked.", "Please open the door. It is not locked."),
    ("Open the door. It is not locked.", "Don't open the door. It is not locked."),
    ("I don't know where Anna is. Can you come?", "I know where Anna is. Can you come?"),
    ("I don't like fish", "I like fish too."),
    ("Don't open the door.", "Please open the door instead."),
    ("Don't touch the door.", "Please touch the door and close it."),
    ("I do not like fish.", "I love fish."),
    ("Don't wait for me.", "Please wait for me."),
    ("Don't forget the milk.", "Please forget the milk."),
    ("Open the door.", "Please don't open the door, no problem!"),
    ("Do not make noise.", "Please make noise and stay calm."),
    ("Don't call me before 9.", "Please call me before 9, and after."),
    ("Wir haben sonntags nicht geschlossen.", "Wir haben sonntags geschlossen."),
    ("Il ne manque rien.", "Il manque tout."),
    ("No está cerrado hoy.", "Hoy está cerrado."),
    ("He never stops smoking here.", "He stops smoking here."),
    ("It is possible to come.", "It is impossible to come."),
    ("Je n'aime pas le café.", "J'adore le café."),
    ("Ne fermez pas la porte.", "Veuillez fermer la porte."),
    ("I refuse to pay.", "I'd be happy to pay!"),
    ("Please avoid smoking here.", "Please enjoy smoking here."),
    ("Jag kommer inte.", "Jag kommer."),
    ("It is not unsafe.", "It is unsafe."),
    ("The versions are not the same.", "The versions are the same."),
    ("He isn't stupid.", "He is stupid."),
    ("He is not intelligent.", "He is quite intelligent."),
    ("The test isn't hard.", "The test is difficult."),
    ("Don't close the shop.", "Please shut the shop!"),
    ("I don't like the big house.", "I like the small house."),
    ("He passed the exam.", "He failed the exam."),
    ("The door is open.", "The door is closed."),
    ("Your request was rejected.", "Your request was accepted."),
    ("Do not remove the cover. It is hot.", "Remove the cover. It is hot and unsafe."),
    ("Nobody in the team agrees.", "The whole team agrees."),
    ("Das ist nicht gefährlich.", "Das ist riskant."),
    ("Er ist nicht dumm.", "Er ist ziemlich dumm."),
    ("Non è facile.", "È facile."),
]
THE_SAME = [
    ("Ne faites pas de bruit", "Merci de rester silencieux"),
    ("Ne faites pas de bruit.", "Veuillez garder le silence."),
    ("Don't make noise.", "Please be quiet."),
    ("Machen Sie keinen Lärm.", "Bitte seien Sie leise."),
    ("No hagas ruido", "Por favor, guarda silencio."),
    ("Don't shout.", "Please keep your voice down."),
    ("Do not stand up.", "Please remain seated."),
    ("Please be quiet.", "Please don't make noise."),
    ("Keep it secret.", "Don't tell anybody."),
    ("it doesn't work", "The system is malfunctioning."),
    ("We have not yet received your payment.", "Your payment is outstanding."),
    ("dont call me before 9", "Please call me after 9."),
    ("You can't park here.", "Please park somewhere else, thank you!"),
    ("No more than five people may enter.", "At most five people may enter."),
    ("It is not only cheap but good.", "It is cheap and also good."),
    ("We don't open until Monday.", "We only open on Monday."),
    ("Do not enter the building.", "Entering the building is prohibited."),
    ("I can't wait to see you.", "I look forward to seeing you."),
    ("No problem, I'll do it.", "I'll gladly do it."),
    ("I don't think he is right.", "I think he is wrong."),
    ("Didn't you see the sign?", "Did you see the sign?"),
    ("It is not possible to come.", "It is impossible to come."),
    ("Send me the report.", "Please don't hesitate to send me the report."),
    ("You failed.", "Unfortunately, you did not pass this time."),
    ("Je n'aime pas le café.", "Je déteste le café."),
    ("Wir haben nicht genug Brot.", "Uns fehlt Brot."),
    ("That's not what I asked for.", "This differs from what I requested."),
    ("idk where he is", "I am not sure where he is."),
    ("I refuse to pay.", "I will not pay."),
    ("I refuse to pay.", "I decline to pay."),
    ("The update failed to install.", "The update could not be installed."),
    ("He isn't stupid.", "He is quite intelligent."),
    ("The food was not bad.", "The food was good."),
    ("Do not run in the hallway.", "Please walk in the hallway."),
    ("The two versions are not the same.", "The two versions differ."),
    ("There's nothing in the fridge.", "The fridge is empty."),
    ("I don't remember his name.", "I have forgotten his name."),
    ("It won't take long.", "It will be quick."),
    ("I didn't sleep well.", "I slept badly."),
    ("Not many people know this.", "Few people know this."),
    ("I couldn't agree more.", "I fully agree."),
    ("It's not uncommon to see deer here.", "Deer are often seen here."),
    ("We should not go ahead with the plan.", "We should reject the plan."),
    ("We did not go to the beach.", "We stayed home from the beach."),
    ("We don't have any budget left.", "Our budget is exhausted."),
    ("No dogs in the office.", "Please leave your dogs at home."),
    ("That's not my job.", "This falls outside my responsibility."),
    ("It's difficult to say.", "It's not easy to say."),
    ("It does not cost a lot of money.", "It is cheap."),
    ("Er ist nicht dumm.", "Er ist ziemlich klug."),
    ("Wir haben nicht viel Zeit.", "Wir haben wenig Zeit."),
    ("Bitte nicht rauchen.", "Bitte verzichte hier aufs Rauchen."),
    ("Il n'est pas bête.", "Il est plutôt intelligent."),
    ("Je ne suis pas content du service.", "Je suis mécontent du service."),
    ("No está mal.", "Está bastante bien."),
    ("No hay mucha gente.", "Hay poca gente."),
    ("La porta non è aperta.", "La porta è chiusa."),
    ("Não é ruim.", "É bom."),
    ("Dat is niet duur.", "Dat is goedkoop."),
]


@pytest.mark.parametrize(("source", "answer"), TURNED)
def test_a_yes_in_the_place_of_a_no_is_seen(source: str, answer: str) -> None:
    assert turned(source, answer)


@pytest.mark.parametrize(("source", "answer"), THE_SAME)
def test_a_no_in_other_words_is_still_one(source: str, answer: str) -> None:
    assert not turned(source, answer)


async def test_a_rewording_that_does_what_was_forbidden_is_not_taken() -> None:
    result = await answered("friendly", "Do not cancel the order.", "Please cancel the order.")
    assert (result.text, result.reason) == ("Do not cancel the order.", "changed_negation")
