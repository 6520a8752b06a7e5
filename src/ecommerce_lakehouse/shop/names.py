"""Who the customers are: countries, and names in their own letters.

Each name stands beside the ASCII spelling its e-mail address uses.
"""

COUNTRIES = ("US", "UK", "DE", "FR", "PL", "GR", "BR", "JP")

#: Share of the customers, in percent.
COUNTRY_SHARE = (34, 16, 14, 11, 9, 6, 6, 4)

DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "mail.example",
    "post.example",
    "inbox.example.com",
)

_FIRST = {
    "US": "James Mary Robert Linda Michael Susan David Karen Emily Ethan Olivia Noah "
    "Ava Mason Grace Tyler",
    "UK": "Oliver Amelia Harry Isla George Poppy Alfie Freya Arthur Florence Callum "
    "Imogen Rhys Siân=sian Hamish Eilidh",
    "DE": "Jürgen=juergen Käthe=kaethe Lukas Jörg=joerg Sören=soeren Anke Felix Grit "
    "Günther=guenther Heike Björn=bjoern Ute Matthias Bärbel=baerbel Jonas Lena",
    "FR": "Zoé=zoe Élodie=elodie François=francois Chloé=chloe Hervé=herve Maëlys=maelys "
    "Théo=theo Inès=ines Loïc=loic Camille Benoît=benoit Noémie=noemie Luc Agnès=agnes "
    "Rémi=remi Margaux",
    "PL": "Łukasz=lukasz Małgorzata=malgorzata Paweł=pawel Żaneta=zaneta Michał=michal "
    "Agnieszka Wojciech Bożena=bozena Stanisław=stanislaw Elżbieta=elzbieta Kamil Zofia "
    "Grażyna=grazyna Rafał=rafal Jadwiga Mieszko",
    "GR": "Γιώργος=giorgos Μαρία=maria Κώστας=kostas Ελένη=eleni Νίκος=nikos "
    "Κατερίνα=katerina Δημήτρης=dimitris Σοφία=sofia Γιάννης=giannis Άννα=anna "
    "Παναγιώτης=panagiotis Ιωάννα=ioanna Βασίλης=vasilis Δέσποινα=despina "
    "Χρήστος=christos Ζωή=zoi",
    "BR": "João=joao Luísa=luisa José=jose Conceição=conceicao Antônio=antonio Letícia=leticia "
    "Sebastião=sebastiao Beatriz Caio Júlia=julia Vinícius=vinicius Taís=tais Rodrigo Larissa "
    "Thiago Flávia=flavia",
    "JP": "健太=kenta さくら=sakura 大輔=daisuke 美咲=misaki 翔太=shota 陽子=yoko 直樹=naoki "
    "結衣=yui 拓也=takuya 恵=megumi 蓮=ren 葵=aoi 誠=makoto 由美=yumi 亮=ryo 花子=hanako",
}

_LAST = {
    "US": "Johnson Williams Garcia Miller Davis Martinez Anderson Taylor Jackson Thompson "
    "Nguyen Robinson Walker Young Hill Carter",
    "UK": "Smith Jones Evans Hughes O'Brien=obrien Clarke Wright Khan Patel Campbell Murray "
    "Bailey Llewellyn Ashworth Fraser Whitby",
    "DE": "Müller=mueller Schmidt Weiß=weiss Schröder=schroeder Köhler=koehler Fischer "
    "Jäger=jaeger Groß=gross Böhm=boehm Wagner Krüger=krueger Vogel Schäfer=schaefer Lange "
    "Hübner=huebner Roth",
    "FR": "Lefèvre=lefevre Dubois Gérard=gerard Noël=noel Bérenger=berenger Moreau Fournier "
    "Hébert=hebert Petit Rousseau Besançon=besancon Marchand Crépin=crepin Garnier Delâge=delage "
    "Renard",
    "PL": "Wiśniewski=wisniewski Wójcik=wojcik Kamiński=kaminski Zieliński=zielinski "
    "Dąbrowska=dabrowska Kozłowski=kozlowski Jabłoński=jablonski Wróbel=wrobel Pawłowska=pawlowska "
    "Michalska Górski=gorski Sikora Ostrowska Gołąb=golab Duda Żak=zak",
    "GR": "Παπαδόπουλος=papadopoulos Νικολάου=nikolaou Γεωργίου=georgiou Οικονόμου=oikonomou "
    "Βλάχος=vlachos Καραγιάννη=karagianni Δημητρίου=dimitriou Αντωνίου=antoniou "
    "Μακρής=makris Ιωαννίδης=ioannidis Σταύρου=stavrou Χατζή=chatzi Λάμπρου=lamprou "
    "Ζέρβας=zervas Θεοδώρου=theodorou Κόλλιας=kollias",
    "BR": "Silva Souza Araújo=araujo Magalhães=magalhaes Gonçalves=goncalves Oliveira "
    "Conceição=conceicao Simões=simoes Pereira Guimarães=guimaraes Assunção=assuncao Barbosa "
    "Falcão=falcao Nogueira Paixão=paixao Ribeiro",
    "JP": "佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 伊藤=ito 渡辺=watanabe 山本=yamamoto "
    "中村=nakamura 小林=kobayashi 加藤=kato 吉田=yoshida 山田=yamada 佐々木=sasaki 松本=matsumoto "
    "井上=inoue 木村=kimura",
}

#: How many first and how many last names each country has.
NAMES_PER_COUNTRY = 16


def _pairs(pool: dict[str, str]) -> list[tuple[str, str]]:
    """Split a pool into (name, ASCII spelling), country after country."""
    result = []
    for country in COUNTRIES:
        words = pool[country].split()
        assert len(words) == NAMES_PER_COUNTRY, (country, len(words))
        for word in words:
            name, _, ascii_name = word.partition("=")
            result.append((name, ascii_name or name.lower()))
    return result


FIRST_NAMES = _pairs(_FIRST)
LAST_NAMES = _pairs(_LAST)
