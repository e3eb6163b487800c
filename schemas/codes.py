"""Every reason for which something is refused, in one closed table: receipts, messages and metric labels use its codes.

Four-digit codes are the iWmo/iJw standard's own return codes (release 3.2); words are ours where the standard has none.
"""

from __future__ import annotations

from typing import Final

ACCEPTED: Final = "0200"

REASONS: Final[dict[str, tuple[str, str]]] = {
    # code: (plain Dutch for the provider, English)
    "0001": (
        "Het bericht is afgekeurd: het totaalbedrag is niet de som van de regels.",
        "The message is refused: its total is not the sum of its lines.",
    ),
    "8017": (
        "Deze creditregel hoort niet bij een bekende, goedgekeurde debetregel van dezelfde persoon.",
        "This credit names no known, approved debit of the same person.",
    ),
    "8021": ("Dit referentienummer is al eerder gebruikt.", "This reference was used before."),
    "9319": ("De productperiode ligt na de declaratiemaand.", "The product period lies after the declaration month."),
    "9346": ("Het bedrag is niet volume maal tarief.", "The amount is not volume times tariff."),
    "9389": (
        "Voor deze toewijzing, dit product en deze periode staat al een debetregel; crediteer die eerst.",
        "A debit for this assignment, product and period stands already; credit it first.",
    ),
    "9390": ("Deze debetregel is al gecrediteerd.", "This debit was credited before."),
    "bsn": (
        "Het BSN voldoet niet aan de elfproef of heeft geen negen cijfers.",
        "The BSN fails the eleven-test or has not nine digits.",
    ),
    "address": (
        "Het adres is onvolledig: postcode (1234AB) en huisnummer zijn nodig.",
        "The address is incomplete: postcode (1234AB) and house number are needed.",
    ),
    "category": ("De productcategorie of zorgsoort is onbekend.", "Unknown product category or care type."),
    "unit": ("De eenheid is onbekend.", "Unknown unit."),
    "payer": (
        "Deze gemeente heeft deze aanbieder niet toegelaten.",
        "This municipality has not admitted this provider.",
    ),
    "amount": (
        "Het bedrag is hoger dan voor een regel is toegestaan, of negatief.",
        "The amount is above the bound for one line, or negative.",
    ),
    "period": ("De einddatum ligt voor de begindatum.", "The last day lies before the first."),
    "future": ("De begindatum ligt in de toekomst.", "The first day lies in the future."),
    "too-old": ("De begindatum ligt meer dan vijf jaar terug.", "The first day lies more than five years back."),
    "subject": (
        "De regel verwijst naar een persoon die niet in de zending zit of is geweigerd.",
        "The line names a subject that is absent or refused.",
    ),
    "kind": ("Onbekend soort regel.", "Unknown kind of line."),
    "mandate-handle": (
        "Deze handgreep van een mandaat is al gebruikt of onbekend.",
        "This mandate handle was used before or is unknown.",
    ),
    "purpose": (
        "Dit doel staat niet op de lijst van doelen waarvoor iemand mag inzien.",
        "This purpose is not on the list of purposes someone may look for.",
    ),
    "mandate-period": (
        "Het mandaat duurt langer dan mag, of eindigt voor het begint.",
        "The mandate holds longer than it may, or ends before it begins.",
    ),
    "mandate-reader": (
        "De lezer is geen medewerker of gezinslid bij deze gemeente, of een ander dan aan wie het mandaat gegeven is.",
        "The reader is no caseworker or family member with this municipality, or another than the mandate was given to.",
    ),
    "mandate-grantor": (
        "Het mandaat is niet getekend door een mandaatgever van deze gemeente, of de mandaatgever is zelf de lezer.",
        "The mandate is not signed by a grantor of this municipality, or the grantor is the reader.",
    ),
    "mandate-revision": (
        "Het mandaat is intussen gewijzigd, ingetrokken of afgelopen; wijzig wat nu geldt, of geef een nieuw mandaat.",
        "The mandate was changed, withdrawn or has ended; change what stands now, or give a new mandate.",
    ),
    "mandate-limit": (
        "Het hoogste aantal huishoudens met een lopend mandaat is bereikt; trek eerst mandaten in.",
        "The most households under live mandates is reached; withdraw some first.",
    ),
    "mandate-ground": (
        "Een grondslag is een korte code zoals wmo-2.3.2 of avg-15.",
        "A legal ground is a short code such as wmo-2.3.2 or avg-15.",
    ),
    "mandate-unknown": (
        "Van deze persoon is in het netwerk niets bekend: er is niets om in te zien.",
        "Nothing is known of this person in the network: there is nothing to look at.",
    ),
    "household-limit": (
        "Deze lezer heeft het hoogste aantal huishoudens in dertig dagen bekeken.",
        "This reader has looked at the most households allowed in thirty days.",
    ),
    "evaluation-limit": (
        "De dagelijkse grens aan nieuwe pseudoniemen is bereikt.",
        "The daily limit of new pseudonyms is reached.",
    ),
    "turn-limit": (
        "De opdracht om pseudoniemen te draaien is op.",
        "The order to turn pseudonyms is used up.",
    ),
    "order": (
        "Deze opdracht kan niet: te veel, te lang of zonder reden.",
        "This order can't be: too many, too long or without a reason.",
    ),
    "no-mandate": (
        "Dit mandaat is niet van deze lezer, of bestaat niet.",
        "This mandate is not this reader's, or is none.",
    ),
    "withdrawn": ("Dit mandaat is ingetrokken.", "This mandate was withdrawn."),
    "expired": ("Dit mandaat geldt vandaag niet.", "This mandate is not in force today."),
    "mandate-sender": (
        "Alleen een gemeente geeft een mandaat, een verblijfplaats of een verzoek om vernietiging door.",
        "Only a municipality gives mandates, residences or requests to erase.",
    ),
    "gone": (
        "Wat deze regel noemt wordt niet meer bewaard.",
        "What this line names is not kept any more.",
    ),
    "erasure-unknown": (
        "Van deze persoon is in het netwerk niets bekend.",
        "Nothing is known of this person in the network.",
    ),
    "erasure-asked": (
        "Voor deze persoon ligt al een verzoek; besluit eerst daarover.",
        "A request for this person is open already; decide on that one first.",
    ),
    "erasure-elsewhere": (
        "Deze persoon woont nu in een andere gemeente van het netwerk; die besluit over het verzoek.",
        "This person lives in another municipality of the network now; that one decides on the request.",
    ),
    "erasure-request": (
        "Dit verzoek is niet van deze gemeente, of er is al over besloten.",
        "This request is not this municipality's, or it was decided already.",
    ),
    "erasure-signatures": (
        "Over een verzoek besluiten twee verschillende mandaatgevers van de gemeente; hun handtekeningen zijn er niet.",
        "Two different grantors of the municipality decide on a request; their signatures are not there.",
    ),
    "erasure-ground": (
        "De grond, de weigergrond of een dag van dit besluit is er geen van de lijst.",
        "The ground, the reason for refusal or a day of this decision is none of the list.",
    ),
    "officers": (
        "Dit past niet in wat de functionarissen nu samen doen.",
        "This does not fit what the officers do together now.",
    ),
    "reid-officer": (
        "Dit mogen alleen twee verschillende functionarissen van de commissie die nu geldt.",
        "Only two different officers of the committee in force may do this.",
    ),
    "reid-request": (
        "Zo kan niet gevraagd worden wie iemand is: reden, grond, zaaknummer of termijn klopt niet.",
        "Who somebody is can't be asked like this: reason, ground, case number or term is not right.",
    ),
    "reid-again": ("Dit verzoek is al eens gedaan.", "This request was made before."),
    "reid-expired": ("Dit verzoek is verlopen.", "This request is over."),
    "reid-unknown": (
        "Hier is niets te openen: niemand is hieronder bekend, of diegene is gewist.",
        "Nothing can be opened here: nobody is known by this, or was erased.",
    ),
    "clock": (
        "Uw klok loopt meer dan vijf minuten uit de pas; zet hem gelijk.",
        "Your clock is more than five minutes off; set it.",
    ),
    "retention-notice": (
        "Deze melding over een bewaartermijn is niet van het netwerk, niet voor deze gemeente, of te oud.",
        "This notice of a retention period is not the network's, not for this municipality, or too old.",
    ),
    "retention-decision": (
        "Het doorlopende besluit over bewaartermijnen is niet van kracht; laat twee mandaatgevers een nieuw tekenen.",
        "The standing decision on retention periods is not in force; have two grantors sign a new one.",
    ),
    "retention-waits": (
        "De vooruitblik staat nog niet lang genoeg; die begint opnieuw als iemand in de tussentijd zorg krijgt.",
        "The preview has not stood long enough; it begins anew when the person gets care in between.",
    ),
    "retention-kept": (
        "Over deze persoon is besloten dat het dossier blijft, of er ligt een verzoek; dat gaat voor.",
        "It was decided that this person's file stays, or a request is open; that goes first.",
    ),
    "municipal-event": (
        "Deze gebeurtenis past niet bij wat er al staat; laad de pagina opnieuw.",
        "This event does not fit what is there already; load the page again.",
    ),
    "signature": (
        "De handtekening klopt niet met afzender en inhoud.",
        "The signature does not fit sender and content.",
    ),
    "unknown-sender": ("De afzender is niet toegelaten.", "The sender is not admitted."),
    "revoked-key": (
        "De zending is getekend met een ingetrokken sleutel.",
        "Signed with a key that was revoked.",
    ),
    "unknown-key": (
        "De zending is verzegeld met een onbekende of verlopen sleutel.",
        "Sealed under an unknown or expired key.",
    ),
    "unreadable": (
        "De zending is onleesbaar: leeg, afgebroken of van een ander formaat.",
        "Unreadable: empty, cut off or of another format.",
    ),
    "part": (
        "Een deel van de zending gaat niet open of hoort bij een andere zending.",
        "A part does not open, or belongs to another envelope.",
    ),
    "schema": (
        "De zending gebruikt een onbekend schema; werk de software bij.",
        "Unknown schema; update the software.",
    ),
    "equivocation": (
        "Onder dit nummer is eerder iets anders gestuurd; de aanbieder staat stil tot dit is uitgezocht.",
        "Something else was sent under this number; the sender is on hold.",
    ),
    "on-hold": (
        "De aanbieder staat stil tot een eerdere tegenspraak is uitgezocht.",
        "The sender is on hold until an earlier contradiction is settled.",
    ),
}

DEAD_LETTER_ONLY: Final = frozenset({"unknown-sender", "signature", "unreadable", "revoked-key"})
"""Reasons for which nobody gets a receipt: the sender is not proved."""


DEAD_LETTERS: Final = (
    "unreadable",
    "schema",
    "part",
    "signature",
    "unknown-key",
    "revoked-key",
    "unknown-sender",
    "equivocation",
    "erasure-signatures",
    "erasure-request",
    "erasure-ground",
    "retention-notice",
    "retention-decision",
)
"""Reasons of dead letters, for metrics that are there before the first one."""


ALARMED: Final = ("mandate-limit",)
"""Refusals an operator is called for, for metrics that are there before the first one."""


def sentence(code: str, *, lang: str = "nl") -> str:
    """Return the sentence for `code` in Dutch (`nl`) or English (`en`). Raises `KeyError` for a code outside the table."""
    dutch, english = REASONS[code]
    return dutch if lang == "nl" else english
