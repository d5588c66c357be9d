"""Tells whether two words say the opposite of each other: `stupid`, `intelligent`; what is denied of one may be said by the other."""

from __future__ import annotations

_PAIRS = {
    "en": "many much|few little; stupid dumb foolish|intelligent smart clever bright; bad poor terrible awful|good great nice fine well decent; easy simple|difficult hard "
    "challenging tough tricky complicated complex; long|short quick brief; far distant|near nearby close; important significant relevant|"
    "trivial minor negligible insignificant unimportant irrelevant; same identical equal|different differ differs distinct; rich wealthy|poor; "
    "cheap inexpensive affordable|expensive costly pricey cost costs; big large huge|small little tiny; fast quick|slow slowly; strong|weak; safe|dangerous risky "
    "hazardous; true correct right|false wrong incorrect mistaken; likely probable|unlikely improbable; sure certain|unsure uncertain doubt doubts "
    "doubtful; common frequent often|rare rarely seldom uncommon; happy glad pleased satisfied|sad unhappy disappointed dissatisfied displeased; "
    "early|late; open opened opens|closed close closes shut; full|empty; warm hot|cold cool chilly; old|new young; heavy|light; loud noisy|quiet silent; clean|dirty; "
    "healthy well|sick ill unwell; alive|dead; guilty|innocent; legal|illegal; allowed permitted|forbidden prohibited banned; allow allows "
    "permit|forbid prohibit ban; present here|absent away; awake|asleep; polite kind|rude mean; honest|lying dishonest; busy|free available; "
    "run running|walk walking; go leave|stay remain; come attend|absent miss skip; remember|forget forgot forgotten; like likes love loves "
    "adore enjoy|dislike dislikes hate hates detest; agree agrees|disagree disagrees differ; accept accepts|reject rejects refuse decline; "
    "accepted approved|rejected refused declined denied; pass passed|fail failed; succeed succeeded|fail failed; win won|lose lost; continue "
    "continues|stop stops end; start begin|stop end finish; increase increased rise rose|decrease decreased fall fell drop; finished done "
    "complete completed|unfinished ongoing pending incomplete; paid|unpaid outstanding overdue owed due; work working works|broken "
    "malfunctioning fails; know knew|unaware unknown; alone lonely|together accompanied; trust|distrust suspect; possible feasible|impossible infeasible; "
    "visible|hidden invisible; home|out away; interesting exciting|boring dull; beautiful pretty|ugly; thick|thin; wide|narrow; deep|shallow; "
    "wet|dry; public|private confidential; active enabled|inactive disabled; enable|disable; online|offline; valid|invalid expired void; "
    "ready|unprepared; badly poorly|well; married|single; lie lies lying|truth honest; necessary needed required|optional unnecessary; strict|lenient; friendly|unfriendly hostile; patient|impatient",
    "de": "viel viele|wenig wenige; dumm blöd doof|klug intelligent schlau gescheit; schlecht übel mies|gut toll prima; leicht einfach|schwer schwierig kompliziert; lang lange|"
    "kurz; weit fern|nah nahe nähe; wichtig relevant|unwichtig nebensächlich egal; gleich identisch dasselbe|verschieden unterschiedlich anders; reich|arm; billig "
    "günstig|teuer; groß|klein; schnell|langsam; stark|schwach; sicher|unsicher gefährlich riskant; richtig wahr korrekt|falsch; oft häufig|"
    "selten; froh zufrieden glücklich|traurig unzufrieden unglücklich enttäuscht; früh pünktlich|spät; offen geöffnet|geschlossen; voll|leer; warm heiß|kalt "
    "kühl; alt|neu jung; laut|leise ruhig; sauber|schmutzig dreckig; gesund|krank; erlaubt gestattet|verboten untersagt; erlauben|verbieten; "
    "anwesend|abwesend; höflich nett|unhöflich frech; rennen laufen|gehen; gehen weggehen|bleiben; kommen|verhindert fernbleiben; vergessen|"
    "erinnern; mag mögen liebe|hasse hassen; einverstanden dafür|dagegen; dagegen|einverstanden dafür; annehmen|ablehnen; bestanden|durchgefallen; bezahlt beglichen|offen "
    "ausstehend unbezahlt überfällig; fertig abgeschlossen|unfertig unvollständig; möglich machbar|unmöglich; gewonnen|verloren; hause|unterwegs weg; "
    "interessant spannend|langweilig; schön hübsch|hässlich; nass|trocken; öffentlich|privat vertraulich; gültig|ungültig abgelaufen",
    "fr": "beaucoup|peu; bête stupide idiot|intelligent malin futé; mauvais mal nul|bon bien bonne; facile simple|difficile dur compliqué; long longue|court courte bref "
    "rapide; loin éloigné|près proche; important|secondaire négligeable mineur; pareil identique même|différent; riche|pauvre; cher coûteux|"
    "abordable; grand gros|petit; rapide vite|lent lente; fort|faible; sûr|dangereux risqué incertain; vrai correct juste|faux erroné; "
    "souvent fréquent|rare rarement; content heureux satisfait|triste mécontent fâché déçu insatisfait; tôt|tard; retard|l'heure avance; ouvert|fermé; plein|vide; chaud|froid frais; vieux|"
    "neuf jeune; bruyant|calme silencieux; propre|sale; permis autorisé|interdit; présent|absent; poli gentil|impoli; courez courir|marchez marcher; "
    "oubliez oublier oublie|rappelez souvenez pensez; aime aimer adore|déteste détester; accepter accepte|refuse refuser; payé réglé|impayé dû; "
    "terminé fini|inachevé; possible|impossible; gagné|perdu; intéressant|ennuyeux; beau belle|laid moche; valable valide|périmé expiré",
    "es": "mucho mucha muchos muchas|poco poca pocos pocas; tonto estúpido|inteligente listo; malo mala mal|bueno buena bien buen; fácil sencillo|difícil complicado duro; largo|corto breve; lejos|cerca; "
    "importante|trivial secundario; igual mismo|diferente distinto; rico|pobre; barato|caro; grande|pequeño; rápido|lento; fuerte|débil; seguro|"
    "peligroso inseguro; verdad verdadero correcto|falso incorrecto; frecuente|raro; contento feliz satisfecho|triste descontento decepcionado; "
    "temprano|tarde; abierto|cerrado; lleno|vacío; caliente cálido|frío; viejo|nuevo joven; ruidoso|tranquilo silencioso; limpio|sucio; permitido|"
    "prohibido; presente|ausente; corras correr corran|camina caminar caminen camine; olvides olvide|recuerda recuerde; gusta encanta|odio disgusta detesto; aceptar acepta|"
    "rechazar rechaza; pagado|pendiente impago; terminado acabado|inacabado; posible|imposible; ganado|perdido; interesante|aburrido; válido|caducado",
    "it": "molto molta molti molte|poco poca pochi poche; stupido scemo|intelligente sveglio; male cattivo brutto|buono bene bello buona; facile semplice|difficile complicato duro; lungo|corto breve; lontano|"
    "vicino; importante|secondario trascurabile; uguale stesso|diverso differente; ricco|povero; economico|caro costoso; grande|piccolo; veloce|lento; "
    "forte|debole; sicuro|pericoloso insicuro; vero giusto corretto|falso sbagliato; frequente|raro; contento felice soddisfatto|triste scontento "
    "insoddisfatto deluso; presto|tardi; aperto|chiuso; pieno|vuoto; caldo|freddo; vecchio|nuovo giovane; rumoroso|silenzioso; pulito|sporco; permesso "
    "consentito|vietato proibito; presente|assente; correre correte|camminare camminate; dimenticare dimenticate|ricordare ricordate ricordati; piace|odio detesto; "
    "accettare|rifiutare; pagato|scoperto insoluto; finito|incompiuto; possibile|impossibile; vinto|perso; interessante|noioso; valido|scaduto",
    "pt": "muito muita muitos muitas|pouco pouca poucos poucas; burro estúpido|inteligente esperto; ruim mau má mal|bom boa bem; fácil simples|difícil complicado; longo comprido|curto breve; longe|perto; "
    "importante|secundário trivial; igual mesmo|diferente; rico|pobre; barato|caro; grande|pequeno; rápido|lento devagar; forte|fraco; seguro|"
    "perigoso inseguro; verdade verdadeiro certo correto|falso errado; frequente|raro; contente feliz satisfeito|triste insatisfeito descontente; cedo|"
    "tarde; aberto|fechado; cheio|vazio; quente|frio; velho|novo jovem; barulhento|silencioso; limpo|sujo; permitido|proibido; presente|ausente; corra "
    "correr corram|ande caminhe andem; esqueça esquecer|lembre lembrar; gosto gostei gostou|odeio odiei insatisfeito insatisfeita detestei; aceitar|recusar; pago|pendente; possível|impossível; "
    "ganhou|perdeu; interessante|chato; válido|vencido",
    "nl": "veel|weinig; dom stom|slim intelligent; slecht|goed fijn; makkelijk gemakkelijk eenvoudig|moeilijk lastig ingewikkeld; lang|kort; ver|dichtbij nabij; belangrijk|"
    "onbelangrijk; hetzelfde gelijk|anders verschillend; rijk|arm; goedkoop|duur; groot|klein; snel|langzaam; sterk|zwak; veilig|gevaarlijk; waar juist|"
    "onjuist fout; vaak|zelden; blij tevreden|ontevreden teleurgesteld; vroeg|laat; open|dicht gesloten; vol|leeg; warm heet|koud; oud|nieuw jong; luid|stil; schoon|"
    "vies; toegestaan|verboden; aanwezig|afwezig; rennen ren|lopen loop; vergeten vergeet|onthouden denk; betaald|openstaand; mogelijk|onmogelijk; interessant|saai; geldig|verlopen",
}
ENDING = 2
"""Letters that an ending may have: `dumm`, `dummes`; `fácil`, `fáciles`."""
STEM = 4
"""Letters of the shortest word that takes an ending here."""


def _read() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pairs in _PAIRS.values():
        for pair in pairs.split(";"):
            left, right = (frozenset(side.split()) for side in pair.split("|"))
            for side, other in ((left, right), (right, left)):
                for word in side:
                    found[word] = found.get(word, frozenset()) | other
    return found


ANTONYMS = _read()
"""For each word those that say the opposite, in English, German, French, Spanish, Italian, Portuguese and Dutch."""


def are_antonyms(word: str, other: str) -> bool:
    """Whether the two are opposites, whatever their endings."""
    meant = set(_stems(other))
    return any(not meant.isdisjoint(ANTONYMS.get(stem, ())) for stem in _stems(word))


def share_antonym(word: str, other: str) -> bool:
    """Whether the two say about the same, because one word is the opposite of both."""
    opposite = frozenset[str]().union(*(ANTONYMS.get(stem, ()) for stem in _stems(word)))
    return any(not opposite.isdisjoint(ANTONYMS.get(stem, ())) for stem in _stems(other))


def _stems(word: str) -> list[str]:
    """The word itself where it is known, else what is left of it without an ending; in Romance languages `o` for `a`."""
    if word in ANTONYMS:
        return [word]
    cuts = [word[:-cut] for cut in range(1, ENDING + 1) if len(word) - cut >= STEM - 1]
    return [*(cut for cut in cuts if len(cut) >= STEM), *(f"{cut}o" for cut in cuts)]
