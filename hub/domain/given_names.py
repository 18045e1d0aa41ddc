"""Forms of one given name: spellings that are the same name, and short forms.

Only what is one name beyond doubt stands here. Names that people give to two sisters (Anna and Anne, Maria and Marie,
Julia and Julie) are different names, however near: a wrong entry here could put a twin's result on her sister's record.
All names are folded (lower case, no accents); doubled letters and `ph`/`f` are evened out by `hub.domain.names`.
"""

from __future__ import annotations

_SPELLINGS = """
ann anne
aisha ayesha aysha aishah ayisha
alison allison alyson
carol carole
catherine katherine katharine kathryn catharine cathryn
catrin katrin
claire clare clair
debbie debby
deborah debra
elisabeth elizabeth
emily emilie
fatima fatimah fatema
fiona fionna
frances francis
gillian jillian
hayley hailey haley hayleigh
heather hether
isabel isobel isabelle
jacqueline jaqueline jacquelyn
jane jayne
jennifer jenifer
jill gill
joanne joann
katarzyna catarzyna
katie katy
kerry kerri kerrie
khadija khadijah khadeeja
kirsty kirstie
kristina christina
lesley leslie
lindsay lindsey lyndsey linsey
lorraine loraine
lyn lynn lynne
margaret margret
marion marian
mohammed muhammad mohamed mohammad muhammed
natalie nathalie natalee
nicola nichola nicolla
rachel rachael
rebecca rebekah
rosalind rosalynd
sara sarah
shaun sean shawn
sian shan
sofia sophia
stacey stacy stacie
stephanie stefanie
susan suzan
susanna susannah suzanna suzannah
teresa theresa
tracey tracy tracie
vicky vicki vikki vickie
yvonne ivonne
zainab zaynab zeinab
zoe zoey zoie
"""

_SHORT_FORMS = """
abigail abbie abby abi
agnieszka aga
alexandra alex alexa
amanda mandy
angela angie
barbara barb babs
bronwen bron
caroline caz
catherine cath cathy kate kath kathy katie kat
charlotte charlie lottie
christina chris tina chrissie
christine chris chrissie
danielle dani
deborah deb debbie
dorothy dot dottie
eleanor ellie nell
elizabeth liz lizzie beth betty eliza libby betsy
emily em emmy
emma em
florence flo florrie
frances fran
gabrielle gabby
georgina george georgie gina
gillian jill
gwendoline gwen
isabel izzy
jacqueline jackie jacqui
janet jan
janice jan
jane janey
jennifer jen jenny jenni
jessica jess jessie
joanna jo
joanne jo
josephine jo josie
judith judy
katarzyna kasia
kimberley kim
magdalena magda
malgorzata gosia
margaret maggie peggy meg marge
melanie mel
michelle shelly chelle
natasha tasha
nicola nicky nikki nicki
olivia liv livvy
pamela pam
patricia pat tricia trish patsy
penelope penny
philippa pippa pip
rebecca becky becca bex
rosalind ros
rosemary rosie
samantha sam sammy
sandra sandy
stephanie steph
susan sue susie suzie
teresa terri tess
valerie val
veronica ronnie
victoria vicky tori
winifred win winnie
"""


def _plain(name: str) -> str:
    """As `hub.domain.names` evens out doubled letters and `ph`."""
    letters = [letter for letter, before in zip(name, " " + name[:-1], strict=True) if letter != before]
    return "".join(letters).replace("ph", "f")


SPELLING_OF: dict[str, str] = {}
"""A folded name → the one spelling that stands for its group."""
for _line in _SPELLINGS.split("\n"):
    for _name in _line.split():
        SPELLING_OF[_name] = SPELLING_OF[_plain(_name)] = _plain(_line.split()[0])


def _standing(name: str) -> str:
    return SPELLING_OF.get(name) or _plain(name)


FULL_NAMES: dict[str, frozenset[str]] = {}
"""A short form → the full names it stands for, both in the spelling that stands for their group."""
for _line in _SHORT_FORMS.split("\n"):
    for _short in _line.split()[1:]:
        FULL_NAMES[_standing(_short)] = FULL_NAMES.get(_standing(_short), frozenset()) | {_standing(_line.split()[0])}
