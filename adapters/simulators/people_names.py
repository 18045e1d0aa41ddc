"""Names, streets and towns for the synthetic people: common ones of England's many origins, with rough weights.

The weights only make some names common and others rare; they are no statistics. Towns are invented.
"""

from __future__ import annotations


def _weighted(lines: str) -> dict[str, int]:
    """Lines of `weight: name, name` to name → weight."""
    weights: dict[str, int] = {}
    for line in lines.strip().split("\n"):
        weight, listed = line.split(":")
        weights.update(dict.fromkeys((name.strip() for name in listed.split(",")), int(weight)))
    return weights


FAMILY_NAMES = _weighted("""
120: Smith, Jones
70: Williams, Taylor, Brown, Davies, Khan, Patel
45: Evans, Wilson, Thomas, Johnson, Roberts, Robinson, Thompson, Wright, Walker, White, Edwards, Hughes
45: Green, Hall, Ahmed
35: Lewis, Harris, Clarke, Jackson, Wood, Turner, Martin, Cooper, Hill, Ward, Morris, Moore, Clark, Lee
35: King, Baker, Singh, Ali
28: Harrison, Morgan, Allen, James, Scott, Phillips, Watson, Davis, Parker, Price, Bennett, Young, Griffiths
28: Mitchell, Kaur, Begum
22: Kelly, Cook, Carter, Richardson, Bailey, Collins, Bell, Shaw, Murphy, Miller, Cox, Richards, Marshall
22: Anderson, Hussain, Shah
16: Simpson, Ellis, Adams, Wilkinson, Foster, Chapman, Mason, Rogers, Webb, Hunt, Gray, Mills, Palmer
16: Holmes, Matthews, Lloyd
16: Gibson, Barnes, Knight, Butler, Russell, Fisher, Barker, Stevens, Jenkins, Dixon, Fletcher, Campbell
16: Stewart, Reid, Sharma
12: O'Brien, O'Neill, O'Connor, O'Sullivan, McDonald, McCarthy, MacDonald, McKenzie, Fitzgerald, Doyle
12: Byrne, Ryan, Gallagher
10: Nowak, Kowalska, Wiśniewska, Wójcik, Kamińska, Lewandowska, Zielińska, Dąbrowska, Popescu, Ionescu
10: Petrova, Ivanova, Horvát
10: Okafor, Adeyemi, Okonkwo, Mensah, Owusu, Boateng, Abdi, Hassan, Warsame, Mohamed, Osman, Tesfaye, Abebe
10: Kamau, Ndlovu, Diallo
9: D'Souza, Fernandes, De Silva, Perera, Rahman, Chowdhury, Miah, Iqbal, Akhtar, Malik, Mahmood, Hossain
9: Gupta, Reddy, Nair, Iyer
8: Wong, Chan, Chen, Wang, Li, Zhang, Liu, Cheung, Nguyễn, Trần, Phạm, Kim, Park, Tanaka, Santos, Reyes
8: Dela Cruz, Garcia
6: García, Fernández, Núñez, Gonçalves, Silva, Costa, Müller, Schäfer, Weiß, Björk, Ångström, Sørensen
6: Çelik, Yılmaz, Öztürk
6: Saint-Clair, Le Roux, Van der Berg, De la Cruz, Di Marco, Al-Hassan, Ben-David, Ap Rhys, Llewellyn
6: Featherstonehaugh
5: Clerk, Smyth, Smythe, Stephens, Philips, Davey, Browne, Whyte, Greene, Thomson, Tomson, Johnston
5: Johnstone, Reed, Read
""")

GIVEN_NAMES = _weighted("""
70: Sarah, Emma, Laura, Rebecca, Claire, Nicola, Charlotte, Jessica, Lauren, Hannah, Gemma, Victoria, Katie
70: Amy, Emily
45: Louise, Rachel, Samantha, Michelle, Lisa, Kelly, Joanne, Julie, Karen, Susan, Helen, Jennifer, Natalie
45: Sophie, Lucy
35: Catherine, Elizabeth, Katherine, Alison, Jane, Anna, Anne, Ann, Tracey, Donna, Stephanie, Danielle
35: Leanne, Stacey, Zoe
28: Maria, Marie, Mary, Margaret, Christine, Christina, Caroline, Carol, Amanda, Angela, Deborah, Diane
28: Jacqueline, Kerry
22: Fatima, Aisha, Ayesha, Amina, Samina, Zainab, Khadija, Nadia, Shabana, Farzana, Rukhsana, Saima, Sadia
22: Maryam, Noor
22: Priya, Anjali, Sunita, Kavita, Meera, Pooja, Neha, Jaspreet, Harpreet, Manpreet, Simran, Gurpreet, Kiran
22: Rani, Asha
16: Megan, Bethany, Chloe, Georgia, Olivia, Grace, Ella, Molly, Abigail, Jasmine, Paige, Eleanor, Alice
16: Holly, Heather
14: Sara, Clare, Ellen, Eileen, Joan, Jean, June, Janet, Julia, Juliet, Gillian, Jill, Gina, Tina, Nina
14: Teresa, Theresa
12: Chloë, Zoë, Renée, Siân, Seren, Rhiannon, Bronwen, Angharad, Aoife, Sinéad, Niamh, Róisín, Caitlín, Orla, Ciara
10: Agnieszka, Katarzyna, Małgorzata, Joanna, Magdalena, Ewa, Monika, Zofia, Łucja, Elena, Ioana, Andreea
10: Svetlana, Olga
10: Ngozi, Chioma, Funmilayo, Abena, Akosua, Adaeze, Blessing, Patience, Hodan, Ifrah, Sahra, Hibaq, Tigist, Wanjiru
9: Mei, Xiaoli, Li, Wei Ling, Yuki, Soo-Jin, Thảo, Linh, Maricel, Rosario, Inés, Ana, Sofía, Beatriz
9: Françoise, Zeynep
8: Anne-Marie, Mary-Jane, Sarah-Jane, Emma-Louise, Lily-Rose, Mary Ann, Leigh-Anne, Jo-Anne, Jo, Sam, Alex
8: Kim, Jade
7: Dorothy, Edith, Florence, Winifred, Gwendoline, Rosemary, Patricia, Pamela, Valerie, Veronica, Philippa
7: Penelope, Judith
""")

STREETS = tuple(
    f"{name} {kind}"
    for name in (
        "Alder", "Beacon", "Church", "Dovecote", "Elm", "Foundry", "Grange", "Hawthorn", "Ivy", "Juniper", "Kestrel",
        "Larch", "Mill", "Nettlebed", "Orchard", "Priory", "Quarry", "Rowan", "Station", "Tannery",
        "Victoria", "Willow",
    )
    for kind in ("Road", "Street", "Lane", "Close", "Avenue")
)  # fmt: skip

TOWNS = ("Alderholme", "Birchcombe", "Cragthwaite", "Dunmere", "Eastwick Regis", "Fennybridge", "Gorsewick", "Hartlow")
