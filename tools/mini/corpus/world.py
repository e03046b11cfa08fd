"""Countries, capitals, languages, currencies, cities; our own table."""

from random import Random

from .core import Item, Parts, both

# en | ja | capital en | capital ja | continent | language en/ja | currency en/ja | population, millions | known for en | ja
TABLE = """
Japan|日本|Tokyo|東京|Asia|Japanese/日本語|yen/円|124|Mount Fuji and sushi|富士山と寿司
China|中国|Beijing|北京|Asia|Chinese/中国語|yuan/元|1410|the Great Wall|万里の長城
South Korea|韓国|Seoul|ソウル|Asia|Korean/韓国語|won/ウォン|52|kimchi and K-pop|キムチとK-POP
North Korea|北朝鮮|Pyongyang|平壌|Asia|Korean/朝鮮語|won/ウォン|26|its high mountains|高い山々
Mongolia|モンゴル|Ulaanbaatar|ウランバートル|Asia|Mongolian/モンゴル語|tugrik/トゥグルグ|3.4|wide grasslands and horses|広い草原と馬
India|インド|New Delhi|ニューデリー|Asia|Hindi and English/ヒンディー語と英語|rupee/ルピー|1430|the Taj Mahal and curry|タージ・マハルとカレー
Pakistan|パキスタン|Islamabad|イスラマバード|Asia|Urdu/ウルドゥー語|rupee/ルピー|240|the mountain K2|K2という山
Bangladesh|バングラデシュ|Dhaka|ダッカ|Asia|Bengali/ベンガル語|taka/タカ|173|its many rivers|たくさんの川
Nepal|ネパール|Kathmandu|カトマンズ|Asia|Nepali/ネパール語|rupee/ルピー|30|Mount Everest|エベレスト
Sri Lanka|スリランカ|Sri Jayawardenepura Kotte|スリジャヤワルダナプラコッテ|Asia|Sinhala and Tamil/シンハラ語とタミル語|rupee/ルピー|22|its tea|紅茶
Thailand|タイ|Bangkok|バンコク|Asia|Thai/タイ語|baht/バーツ|72|temples and spicy food|寺院と辛い料理
Vietnam|ベトナム|Hanoi|ハノイ|Asia|Vietnamese/ベトナム語|dong/ドン|99|pho, a noodle soup|フォーという麺料理
Cambodia|カンボジア|Phnom Penh|プノンペン|Asia|Khmer/クメール語|riel/リエル|17|Angkor Wat|アンコールワット
Laos|ラオス|Vientiane|ビエンチャン|Asia|Lao/ラオ語|kip/キープ|7.6|the Mekong river|メコン川
Myanmar|ミャンマー|Naypyidaw|ネピドー|Asia|Burmese/ビルマ語|kyat/チャット|54|golden pagodas|金色の仏塔
Malaysia|マレーシア|Kuala Lumpur|クアラルンプール|Asia|Malay/マレー語|ringgit/リンギット|34|its twin towers|ツインタワー
Singapore|シンガポール|Singapore|シンガポール|Asia|English, Malay, Chinese and Tamil/英語、マレー語、中国語、タミル語|Singapore dollar/シンガポールドル|5.9|the Merlion|マーライオン
Indonesia|インドネシア|Jakarta|ジャカルタ|Asia|Indonesian/インドネシア語|rupiah/ルピア|277|Bali and its volcanoes|バリ島と火山
Philippines|フィリピン|Manila|マニラ|Asia|Filipino and English/フィリピノ語と英語|peso/ペソ|117|its seven thousand islands|七千の島々
Iran|イラン|Tehran|テヘラン|Asia|Persian/ペルシア語|rial/リアル|89|its carpets|じゅうたん
Iraq|イラク|Baghdad|バグダッド|Asia|Arabic and Kurdish/アラビア語とクルド語|dinar/ディナール|45|the rivers Tigris and Euphrates|チグリス川とユーフラテス川
Israel|イスラエル|Jerusalem|エルサレム|Asia|Hebrew/ヘブライ語|shekel/シェケル|9.7|the Dead Sea|死海
Saudi Arabia|サウジアラビア|Riyadh|リヤド|Asia|Arabic/アラビア語|riyal/リヤル|37|Mecca and oil|メッカと石油
United Arab Emirates|アラブ首長国連邦|Abu Dhabi|アブダビ|Asia|Arabic/アラビア語|dirham/ディルハム|9.5|the tallest building in the world|世界一高いビル
Turkey|トルコ|Ankara|アンカラ|Asia|Turkish/トルコ語|lira/リラ|85|Cappadocia and kebab|カッパドキアとケバブ
Kazakhstan|カザフスタン|Astana|アスタナ|Asia|Kazakh and Russian/カザフ語とロシア語|tenge/テンゲ|20|its space port|宇宙基地
Uzbekistan|ウズベキスタン|Tashkent|タシケント|Asia|Uzbek/ウズベク語|som/スム|36|Samarkand|サマルカンド
Afghanistan|アフガニスタン|Kabul|カブール|Asia|Pashto and Dari/パシュトー語とダリー語|afghani/アフガニ|42|its mountains|山々
Syria|シリア|Damascus|ダマスカス|Asia|Arabic/アラビア語|pound/ポンド|23|the old city of Palmyra|パルミラの遺跡
Jordan|ヨルダン|Amman|アンマン|Asia|Arabic/アラビア語|dinar/ディナール|11|the rock city of Petra|ペトラの遺跡
Qatar|カタール|Doha|ドーハ|Asia|Arabic/アラビア語|riyal/リヤル|2.7|natural gas|天然ガス
France|フランス|Paris|パリ|Europe|French/フランス語|euro/ユーロ|68|the Eiffel Tower and bread|エッフェル塔とパン
Germany|ドイツ|Berlin|ベルリン|Europe|German/ドイツ語|euro/ユーロ|84|cars and sausages|自動車とソーセージ
Italy|イタリア|Rome|ローマ|Europe|Italian/イタリア語|euro/ユーロ|59|pizza and the Colosseum|ピザとコロッセオ
Spain|スペイン|Madrid|マドリード|Europe|Spanish/スペイン語|euro/ユーロ|48|flamenco and paella|フラメンコとパエリア
Portugal|ポルトガル|Lisbon|リスボン|Europe|Portuguese/ポルトガル語|euro/ユーロ|10.5|its long coast|長い海岸
United Kingdom|イギリス|London|ロンドン|Europe|English/英語|pound/ポンド|68|Big Ben and tea|ビッグベンと紅茶
Ireland|アイルランド|Dublin|ダブリン|Europe|English and Irish/英語とアイルランド語|euro/ユーロ|5.2|green hills|緑の丘
Netherlands|オランダ|Amsterdam|アムステルダム|Europe|Dutch/オランダ語|euro/ユーロ|18|windmills and tulips|風車とチューリップ
Belgium|ベルギー|Brussels|ブリュッセル|Europe|Dutch, French and German/オランダ語、フランス語、ドイツ語|euro/ユーロ|12|chocolate and waffles|チョコレートとワッフル
Luxembourg|ルクセンブルク|Luxembourg|ルクセンブルク|Europe|Luxembourgish, French and German/ルクセンブルク語、フランス語、ドイツ語|euro/ユーロ|0.7|its castles|お城
Switzerland|スイス|Bern|ベルン|Europe|German, French, Italian and Romansh/ドイツ語、フランス語、イタリア語、ロマンシュ語|franc/フラン|8.8|the Alps and cheese|アルプスとチーズ
Austria|オーストリア|Vienna|ウィーン|Europe|German/ドイツ語|euro/ユーロ|9.1|music and the Alps|音楽とアルプス
Poland|ポーランド|Warsaw|ワルシャワ|Europe|Polish/ポーランド語|zloty/ズウォティ|38|the composer Chopin|作曲家ショパン
Czech Republic|チェコ|Prague|プラハ|Europe|Czech/チェコ語|koruna/コルナ|10.9|beer and old bridges|ビールと古い橋
Slovakia|スロバキア|Bratislava|ブラチスラバ|Europe|Slovak/スロバキア語|euro/ユーロ|5.4|its castles|お城
Hungary|ハンガリー|Budapest|ブダペスト|Europe|Hungarian/ハンガリー語|forint/フォリント|9.6|hot baths and goulash|温泉とグヤーシュ
Romania|ルーマニア|Bucharest|ブカレスト|Europe|Romanian/ルーマニア語|leu/レウ|19|Dracula's castle|ドラキュラの城
Bulgaria|ブルガリア|Sofia|ソフィア|Europe|Bulgarian/ブルガリア語|euro/ユーロ|6.4|yogurt and roses|ヨーグルトとバラ
Greece|ギリシャ|Athens|アテネ|Europe|Greek/ギリシャ語|euro/ユーロ|10.4|the Parthenon and many islands|パルテノン神殿と島々
Serbia|セルビア|Belgrade|ベオグラード|Europe|Serbian/セルビア語|dinar/ディナール|6.6|raspberries|ラズベリー
Croatia|クロアチア|Zagreb|ザグレブ|Europe|Croatian/クロアチア語|euro/ユーロ|3.9|the old town of Dubrovnik|ドブロブニクの旧市街
Slovenia|スロベニア|Ljubljana|リュブリャナ|Europe|Slovene/スロベニア語|euro/ユーロ|2.1|Lake Bled|ブレッド湖
Ukraine|ウクライナ|Kyiv|キーウ|Europe|Ukrainian/ウクライナ語|hryvnia/フリヴニャ|38|wide fields of wheat|広い小麦畑
Russia|ロシア|Moscow|モスクワ|Europe|Russian/ロシア語|ruble/ルーブル|144|its size and cold winters|広さと寒い冬
Belarus|ベラルーシ|Minsk|ミンスク|Europe|Belarusian and Russian/ベラルーシ語とロシア語|ruble/ルーブル|9.2|old forests|古い森
Finland|フィンランド|Helsinki|ヘルシンキ|Europe|Finnish and Swedish/フィンランド語とスウェーデン語|euro/ユーロ|5.6|saunas and lakes|サウナと湖
Sweden|スウェーデン|Stockholm|ストックホルム|Europe|Swedish/スウェーデン語|krona/クローナ|10.5|the Nobel Prize|ノーベル賞
Norway|ノルウェー|Oslo|オスロ|Europe|Norwegian/ノルウェー語|krone/クローネ|5.5|fjords and salmon|フィヨルドとサーモン
Denmark|デンマーク|Copenhagen|コペンハーゲン|Europe|Danish/デンマーク語|krone/クローネ|5.9|the writer Andersen|作家アンデルセン
Iceland|アイスランド|Reykjavik|レイキャビク|Europe|Icelandic/アイスランド語|krona/クローナ|0.4|volcanoes and hot springs|火山と温泉
Estonia|エストニア|Tallinn|タリン|Europe|Estonian/エストニア語|euro/ユーロ|1.4|digital government|電子政府
Latvia|ラトビア|Riga|リガ|Europe|Latvian/ラトビア語|euro/ユーロ|1.9|its old town|旧市街
Lithuania|リトアニア|Vilnius|ビリニュス|Europe|Lithuanian/リトアニア語|euro/ユーロ|2.9|amber|琥珀
Egypt|エジプト|Cairo|カイロ|Africa|Arabic/アラビア語|pound/ポンド|113|the pyramids and the Nile|ピラミッドとナイル川
Morocco|モロッコ|Rabat|ラバト|Africa|Arabic and Berber/アラビア語とベルベル語|dirham/ディルハム|38|colourful markets|色鮮やかな市場
Algeria|アルジェリア|Algiers|アルジェ|Africa|Arabic and Berber/アラビア語とベルベル語|dinar/ディナール|46|the Sahara desert|サハラ砂漠
Tunisia|チュニジア|Tunis|チュニス|Africa|Arabic/アラビア語|dinar/ディナール|12|the ruins of Carthage|カルタゴの遺跡
Libya|リビア|Tripoli|トリポリ|Africa|Arabic/アラビア語|dinar/ディナール|6.9|the desert and Roman ruins|砂漠とローマの遺跡
Ethiopia|エチオピア|Addis Ababa|アディスアベバ|Africa|Amharic/アムハラ語|birr/ブル|127|coffee|コーヒー
Kenya|ケニア|Nairobi|ナイロビ|Africa|Swahili and English/スワヒリ語と英語|shilling/シリング|55|safaris and lions|サファリとライオン
Tanzania|タンザニア|Dodoma|ドドマ|Africa|Swahili and English/スワヒリ語と英語|shilling/シリング|67|Mount Kilimanjaro|キリマンジャロ
Uganda|ウガンダ|Kampala|カンパラ|Africa|English and Swahili/英語とスワヒリ語|shilling/シリング|49|mountain gorillas|マウンテンゴリラ
Nigeria|ナイジェリア|Abuja|アブジャ|Africa|English/英語|naira/ナイラ|224|music and films|音楽と映画
Ghana|ガーナ|Accra|アクラ|Africa|English/英語|cedi/セディ|34|cacao for chocolate|チョコレートのカカオ
Senegal|セネガル|Dakar|ダカール|Africa|French/フランス語|CFA franc/CFAフラン|18|drums and dance|太鼓と踊り
Ivory Coast|コートジボワール|Yamoussoukro|ヤムスクロ|Africa|French/フランス語|CFA franc/CFAフラン|29|cacao|カカオ
Cameroon|カメルーン|Yaounde|ヤウンデ|Africa|French and English/フランス語と英語|CFA franc/CFAフラン|28|football|サッカー
South Africa|南アフリカ|Pretoria|プレトリア|Africa|Zulu, Xhosa, Afrikaans, English and others/ズールー語、コサ語、アフリカーンス語、英語など|rand/ランド|60|diamonds and penguins|ダイヤモンドとペンギン
Madagascar|マダガスカル|Antananarivo|アンタナナリボ|Africa|Malagasy and French/マダガスカル語とフランス語|ariary/アリアリ|30|lemurs and baobab trees|キツネザルとバオバブの木
Zimbabwe|ジンバブエ|Harare|ハラレ|Africa|English, Shona and Ndebele/英語、ショナ語、ンデベレ語|dollar/ドル|16|Victoria Falls|ビクトリアの滝
Zambia|ザンビア|Lusaka|ルサカ|Africa|English/英語|kwacha/クワチャ|20|Victoria Falls|ビクトリアの滝
Angola|アンゴラ|Luanda|ルアンダ|Africa|Portuguese/ポルトガル語|kwanza/クワンザ|37|oil and waterfalls|石油と滝
Sudan|スーダン|Khartoum|ハルツーム|Africa|Arabic and English/アラビア語と英語|pound/ポンド|48|more pyramids than Egypt|エジプトより多いピラミッド
United States|アメリカ|Washington, D.C.|ワシントンD.C.|North America|English/英語|dollar/ドル|335|the Statue of Liberty and Hollywood|自由の女神とハリウッド
Canada|カナダ|Ottawa|オタワ|North America|English and French/英語とフランス語|Canadian dollar/カナダドル|40|maple syrup and Niagara Falls|メープルシロップとナイアガラの滝
Mexico|メキシコ|Mexico City|メキシコシティ|North America|Spanish/スペイン語|peso/ペソ|128|tacos and old pyramids|タコスと古代のピラミッド
Cuba|キューバ|Havana|ハバナ|North America|Spanish/スペイン語|peso/ペソ|11|old cars and music|古い車と音楽
Jamaica|ジャマイカ|Kingston|キングストン|North America|English/英語|Jamaican dollar/ジャマイカドル|2.8|reggae music|レゲエ音楽
Guatemala|グアテマラ|Guatemala City|グアテマラシティ|North America|Spanish/スペイン語|quetzal/ケツァル|17|Maya ruins|マヤの遺跡
Costa Rica|コスタリカ|San José|サンホセ|North America|Spanish/スペイン語|colon/コロン|5.2|rain forests and birds|熱帯雨林と鳥
Panama|パナマ|Panama City|パナマシティ|North America|Spanish/スペイン語|balboa/バルボア|4.4|the Panama Canal|パナマ運河
Haiti|ハイチ|Port-au-Prince|ポルトープランス|North America|Haitian Creole and French/ハイチ語とフランス語|gourde/グールド|11.6|colourful paintings|色鮮やかな絵
Brazil|ブラジル|Brasília|ブラジリア|South America|Portuguese/ポルトガル語|real/レアル|216|football and the Amazon|サッカーとアマゾン
Argentina|アルゼンチン|Buenos Aires|ブエノスアイレス|South America|Spanish/スペイン語|peso/ペソ|46|tango and beef|タンゴと牛肉
Chile|チリ|Santiago|サンティアゴ|South America|Spanish/スペイン語|peso/ペソ|20|its long, narrow shape|細長い形
Peru|ペルー|Lima|リマ|South America|Spanish and Quechua/スペイン語とケチュア語|sol/ソル|34|Machu Picchu|マチュピチュ
Colombia|コロンビア|Bogotá|ボゴタ|South America|Spanish/スペイン語|peso/ペソ|52|coffee and emeralds|コーヒーとエメラルド
Venezuela|ベネズエラ|Caracas|カラカス|South America|Spanish/スペイン語|bolívar/ボリバル|29|the highest waterfall|世界一高い滝
Ecuador|エクアドル|Quito|キト|South America|Spanish/スペイン語|US dollar/米ドル|18|the Galápagos islands|ガラパゴス諸島
Bolivia|ボリビア|Sucre|スクレ|South America|Spanish, Quechua and Aymara/スペイン語、ケチュア語、アイマラ語|boliviano/ボリビアーノ|12|the salt lake of Uyuni|ウユニ塩湖
Paraguay|パラグアイ|Asunción|アスンシオン|South America|Spanish and Guarani/スペイン語とグアラニー語|guarani/グアラニー|6.9|harps and rivers|ハープと川
Uruguay|ウルグアイ|Montevideo|モンテビデオ|South America|Spanish/スペイン語|peso/ペソ|3.4|football and beaches|サッカーとビーチ
Australia|オーストラリア|Canberra|キャンベラ|Oceania|English/英語|Australian dollar/オーストラリアドル|26|kangaroos and coral reefs|カンガルーとサンゴ礁
New Zealand|ニュージーランド|Wellington|ウェリントン|Oceania|English and Maori/英語とマオリ語|New Zealand dollar/ニュージーランドドル|5.2|sheep and kiwi birds|羊とキーウィ
Fiji|フィジー|Suva|スバ|Oceania|English, Fijian and Hindi/英語、フィジー語、ヒンディー語|Fijian dollar/フィジードル|0.9|beaches and rugby|ビーチとラグビー
Papua New Guinea|パプアニューギニア|Port Moresby|ポートモレスビー|Oceania|English, Tok Pisin and Hiri Motu/英語、トク・ピシン、ヒリモツ語|kina/キナ|10|more than 800 languages|八百以上の言語
Samoa|サモア|Apia|アピア|Oceania|Samoan and English/サモア語と英語|tala/タラ|0.2|beaches and rugby|ビーチとラグビー
Palau|パラオ|Ngerulmud|マルキョク|Oceania|Palauan and English/パラオ語と英語|US dollar/米ドル|0.02|clear blue sea|澄んだ青い海
"""
JA = {
    "Asia": "アジア",
    "Europe": "ヨーロッパ",
    "Africa": "アフリカ",
    "North America": "北アメリカ",
    "South America": "南アメリカ",
    "Oceania": "オセアニア",
}
THE = {"Philippines", "United Arab Emirates", "United Kingdom", "Netherlands", "Czech Republic", "United States", "Ivory Coast"}


class Country:
    def __init__(self, line):
        (self.en, self.ja, self.cap, self.capja, self.cont, lang, cur, pop, self.known, self.knownja) = line.split("|")
        self.lang, self.langja = lang.split("/")
        self.cur, self.curja = cur.split("/")
        self.contja = JA[self.cont]
        m = float(pop)
        self.m = m
        self.the = ("the " if self.en in THE else "") + self.en
        self.The = self.the[0].upper() + self.the[1:]
        self.pop = (
            f"{m / 1000:.2f} billion".replace("0 billion", " billion")
            if m >= 1000
            else f"{pop} million"
            if m >= 1
            else f"{int(m * 1000)},000"
        )
        self.popja = f"{int(m // 100)}億{int(m % 100) * 100 or ''}{'万' if m % 100 else ''}" if m >= 100 else f"{int(m * 100)}万"


ALL = [Country(x) for x in TABLE.strip().split("\n")]
# People ask about these far more often than about the others.
POPULAR = [
    c
    for c in ALL
    if c.en
    in (
        "Japan",
        "China",
        "South Korea",
        "India",
        "Thailand",
        "Vietnam",
        "France",
        "Germany",
        "Italy",
        "Spain",
        "United Kingdom",
        "United States",
        "Canada",
        "Brazil",
        "Australia",
        "Mexico",
        "Egypt",
        "Russia",
        "Turkey",
        "Switzerland",
        "Netherlands",
        "New Zealand",
        "Sweden",
        "Greece",
    )
]


def country(r: Random):
    return r.choice(POPULAR) if r.random() < 0.45 else r.choice(ALL)


def other(r: Random, c, key):
    while True:
        d = r.choice(ALL)
        if getattr(d, key) != getattr(c, key):
            return d


def facts(c):
    """Sentences about c by kind, in English and Japanese."""
    were = "are" if c.en in ("Philippines", "Netherlands", "United States", "United Arab Emirates") else "is"
    return {
        "capital": (f"The capital of {c.the} is {c.cap}.", f"{c.ja}の首都は{c.capja}です。"),
        "currency": (f"The currency of {c.the} is the {c.cur}.", f"{c.ja}の通貨は{c.curja}です。"),
        "language": (f"In {c.the} people speak {c.lang}.", f"{c.ja}で話されている言語は{c.langja}です。"),
        "population": (f"{c.The} has about {c.pop} people.", f"{c.ja}の人口は約{c.popja}人です。"),
        "continent": (f"{c.The} {were} in {c.cont}.", f"{c.ja}は{c.contja}にあります。"),
        "known": (f"{c.The} {were} known for {c.known}.", f"{c.ja}は{c.knownja}で知られています。"),
    }


ASK = {
    "capital": (
        [
            "What is the capital of {e}?",
            "What's the capital of {e}?",
            "capital of {e}",
            "Which city is the capital of {e}?",
            "Do you know the capital of {e}?",
            "Tell me the capital of {e}.",
            "{e} capital?",
            "Name the capital of {e}.",
        ],
        [
            "{j}の首都は？",
            "{j}の首都はどこですか？",
            "{j}の首都を教えてください。",
            "{j}の首都はどこ？",
            "{j}の首都",
            "{j}の首都を知っていますか？",
        ],
    ),
    "currency": (
        [
            "What is the currency of {e}?",
            "Which currency do they use in {e}?",
            "What money do people use in {e}?",
            "currency in {e}",
            "How do I pay in {e}?",
        ],
        ["{j}の通貨は？", "{j}の通貨は何ですか？", "{j}ではどんなお金を使いますか？", "{j}の通貨を教えてください。", "{j}のお金の単位は？"],
    ),
    "language": (
        [
            "What language do they speak in {e}?",
            "Which language is spoken in {e}?",
            "What is the language of {e}?",
            "What do people speak in {e}?",
        ],
        ["{j}では何語を話しますか？", "{j}の言語は？", "{j}の公用語は何ですか？", "{j}は何語？", "{j}の言葉は何ですか？"],
    ),
    "population": (
        ["What is the population of {e}?", "How many people live in {e}?", "population of {e}", "How big is the population of {e}?"],
        ["{j}の人口は？", "{j}の人口はどのくらいですか？", "{j}には何人住んでいますか？", "{j}の人口を教えてください。"],
    ),
    "continent": (
        [
            "Where is {e}?",
            "On which continent is {e}?",
            "Which continent is {e} on?",
            "Where can I find {e}?",
            "In which part of the world is {e}?",
        ],
        ["{j}はどこにありますか？", "{j}はどの大陸にありますか？", "{j}はどこ？", "{j}は世界のどのあたりですか？"],
    ),
    "known": (
        ["What is {e} famous for?", "What is {e} known for?", "What should I know about {e}?", "What is special about {e}?"],
        ["{j}は何で有名ですか？", "{j}の名物は？", "{j}といえば何ですか？", "{j}の有名なものを教えてください。"],
    ),
}
AND = {
    "capital": (
        ["And its capital?", "What is its capital?", "and the capital?", "What about the capital?"],
        ["首都は？", "その首都はどこですか？", "では首都は？"],
    ),
    "currency": (
        ["And its currency?", "and the currency?", "What about the money there?"],
        ["通貨は？", "その国の通貨は何ですか？", "お金は？"],
    ),
    "language": (
        ["And the language?", "What do they speak there?", "which language?"],
        ["言語は？", "そこでは何語を話しますか？", "では何語？"],
    ),
    "population": (
        ["And its population?", "How many people live there?", "and how many people?"],
        ["人口は？", "その国の人口はどのくらいですか？", "では人口は？"],
    ),
    "continent": (
        ["Where is it?", "And where is that?", "On which continent?"],
        ["どこにありますか？", "それはどこ？", "どの大陸ですか？"],
    ),
    "known": (["What is it famous for?", "Anything special there?"], ["何で有名ですか？", "名物は？"]),
}
WORDS = {
    "capital": ("cap", "capja"),
    "currency": ("cur", "curja"),
    "language": ("lang", "langja"),
    "population": ("pop", "popja"),
    "continent": ("cont", "contja"),
    "known": ("known", "knownja"),
}
OFFER = {
    "capital": ("Shall I tell you its capital?", "首都もお教えしましょうか。"),
    "currency": ("Shall I tell you its currency?", "通貨もお教えしましょうか。"),
    "language": ("Shall I tell you which language is spoken there?", "言語もお教えしましょうか。"),
    "population": ("Would you like to know its population?", "人口もお教えしましょうか。"),
    "continent": ("Shall I tell you where it is?", "場所もお教えしましょうか。"),
    "known": ("Would you like to know what it is famous for?", "名物もお教えしましょうか。"),
}
KINDS = list(ASK)
ORDER = {
    "capital": ("population", "known"),
    "currency": ("language", "capital"),
    "language": ("known", "capital"),
    "population": ("capital", "continent"),
    "continent": ("capital", "known"),
    "known": ("language", "continent"),
}


def about(r: Random, c, kind, table=ASK):
    f, (k1, k2) = facts(c), ORDER[kind]
    d = other(r, c, WORDS[kind][0])
    bad = facts(c)[kind]
    w, wj = WORDS[kind]
    wrong = (bad[0].replace(getattr(c, w), getattr(d, w)), bad[1].replace(getattr(c, wj), getattr(d, wj)))
    if kind == "population":
        word, wordja = "About " + c.pop, "約" + c.popja + "人"
    else:
        word, wordja = getattr(c, w), getattr(c, wj)
        word = word[0].upper() + word[1:]
    nxt = {
        "capital": "currency",
        "currency": "population",
        "language": "population",
        "population": "language",
        "continent": "language",
        "known": "capital",
    }[kind]
    off = OFFER[nxt]
    qs = table[kind]
    return both(
        r,
        [q.format(e=c.the) for q in qs[0]],
        Parts(f[kind][0], word, (f[k1][0], f[k2][0]), wrong=wrong[0]),
        [q.format(j=c.ja) for q in qs[1]],
        Parts(f[kind][1], wordja, (f[k1][1], f[k2][1]), wrong=wrong[1]),
        follow=[lambda r: about(r, c, r.choice([k for k in KINDS if k != kind]), AND), lambda r: what_about(r, kind)],
        offer=({"en": off[0], "ja": off[1]}, lambda r: about(r, c, nxt, AND)),
    )


def what_about(r: Random, kind):
    c = country(r)
    return about(
        r,
        c,
        kind,
        {
            kind: (
                ["And {e}?", "What about {e}?", "and of {e}?", "{e}?", "and {e}"],
                ["{j}は？", "では、{j}は？", "じゃあ{j}は？", "{j}の場合は？"],
            )
        },
    )


def fact(r: Random) -> Item:
    return about(
        r, country(r), r.choice(("capital", "capital", "capital", "capital", "currency", "language", "population", "continent", "known"))
    )


def overview(r: Random) -> Item:
    c = country(r)
    f = facts(c)
    en = Parts(
        f["continent"][0][:-1] + f", and its capital is {c.cap}.",
        None,
        (f["population"][0], f["language"][0], f["currency"][0], f["known"][0]),
        simple=f["known"][0],
    )
    ja = Parts(
        f"{c.ja}は{c.contja}にある国で、首都は{c.capja}です。",
        None,
        (f["population"][1], f["language"][1], f["currency"][1], f["known"][1]),
        simple=f["known"][1],
    )
    return both(
        r,
        [
            f"Tell me about {c.the}.",
            f"What do you know about {c.the}?",
            f"Describe {c.the}.",
            f"tell me something about {c.the}",
            f"What is {c.the}?",
            f"Can you tell me about {c.the}?",
        ],
        en,
        [
            f"{c.ja}について教えてください。",
            f"{c.ja}について教えて",
            f"{c.ja}はどんな国ですか？",
            f"{c.ja}について知っていることは？",
            f"{c.ja}とは？",
            f"{c.ja}を紹介してください。",
        ],
        ja,
        follow=[lambda r: about(r, c, r.choice(KINDS), AND)],
    )


def which(r: Random) -> Item:
    """From a capital to its country."""
    c = country(r)
    f = facts(c)
    d = other(r, c, "cap")
    return both(
        r,
        [
            f"Which country has {c.cap} as its capital?",
            f"{c.cap} is the capital of which country?",
            f"Where is {c.cap}?",
            f"In which country is {c.cap}?",
        ],
        Parts(
            f"{c.cap} is the capital of {c.the}.",
            c.The,
            (f["continent"][0], f["population"][0]),
            wrong=f"{c.cap} is the capital of {d.the}.",
        ),
        [f"{c.capja}はどの国の首都ですか？", f"{c.capja}はどこの国？", f"{c.capja}はどこにありますか？", f"{c.capja}はどこの首都？"],
        Parts(f"{c.capja}は{c.ja}の首都です。", c.ja, (f["continent"][1], f["population"][1]), wrong=f"{c.capja}は{d.ja}の首都です。"),
        follow=[lambda r: about(r, c, r.choice(KINDS), AND)],
    )


def compare(r: Random) -> Item:
    c = country(r)
    d = other(r, c, "m")
    big, small = (c, d) if c.m > d.m else (d, c)
    return both(
        r,
        [
            f"Which country has more people, {c.the} or {d.the}?",
            f"Does {c.the} have more people than {d.the}?",
            f"{c.the} or {d.the}, which is bigger by population?",
        ],
        Parts(
            f"{big.The} has more people than {small.the}.",
            big.The,
            (f"{big.The} has about {big.pop}, {small.the} about {small.pop}.",),
            wrong=f"{small.The} has more people than {big.the}.",
        ),
        [
            f"{c.ja}と{d.ja}、人口が多いのはどちらですか？",
            f"{c.ja}と{d.ja}ではどちらの人口が多い？",
            f"{c.ja}は{d.ja}より人口が多いですか？",
        ],
        Parts(
            f"{big.ja}のほうが{small.ja}より人口が多いです。",
            big.ja,
            (f"{big.ja}は約{big.popja}人、{small.ja}は約{small.popja}人です。",),
            wrong=f"{small.ja}のほうが{big.ja}より人口が多いです。",
        ),
    )


def yesno(r: Random) -> Item:
    c = country(r)
    ok = r.random() < 0.5
    d = c if ok else other(r, c, "cap")
    en = f"Yes, {c.cap} is the capital of {c.the}." if ok else f"No, the capital of {c.the} is {c.cap}. {d.cap} is the capital of {d.the}."
    ja = f"はい、{c.capja}は{c.ja}の首都です。" if ok else f"いいえ、{c.ja}の首都は{c.capja}です。{d.capja}は{d.ja}の首都です。"
    return both(
        r,
        [f"Is {d.cap} the capital of {c.the}?", f"{d.cap} is the capital of {c.the}, right?"],
        Parts(en, "Yes." if ok else "No.", facts(c)["continent"][0], wrong="No, it is not." if ok else "Yes, it is."),
        [f"{d.capja}は{c.ja}の首都ですか？", f"{c.ja}の首都は{d.capja}ですよね？"],
        Parts(ja, "はい。" if ok else "いいえ。", facts(c)["continent"][1], wrong="いいえ、違います。" if ok else "はい、そうです。"),
    )


def several(r: Random) -> Item:
    cont = r.choice(list(JA))
    cs = [c for c in ALL if c.cont == cont]
    n = r.randint(2, 6)
    pick = r.sample(cs, min(n, len(cs)))
    n = len(pick)
    return both(
        r,
        [
            f"Name {n} countries in {cont}.",
            f"List {n} countries in {cont}.",
            f"Give me {n} countries of {cont}.",
            f"{n} countries in {cont}",
        ],
        Parts("\n".join(f"{i + 1}. {c.The}" for i, c in enumerate(pick)), ", ".join(c.The for c in pick), free=True),
        [f"{JA[cont]}の国を{n}つ挙げてください。", f"{JA[cont]}の国を{n}つ教えて", f"{JA[cont]}の国を{n}か国"],
        Parts("\n".join(f"{i + 1}. {c.ja}" for i, c in enumerate(pick)), "、".join(c.ja for c in pick), free=True),
    )


def landmark(r: Random) -> Item:
    q, a, qj, aj = r.choice(LANDMARKS)
    return both(r, [q, q, q.lower()], a, [qj, qj.replace("ですか？", "？")], aj)


W = Parts
LANDMARKS = [
    (
        "What is the highest mountain in the world?",
        W(
            "Mount Everest is the highest mountain in the world.",
            "Mount Everest",
            ("It is 8,849 metres high.", "It lies between Nepal and China."),
            wrong="Mount Fuji is the highest mountain in the world.",
        ),
        "世界で一番高い山は何ですか？",
        W(
            "世界で一番高い山はエベレストです。",
            "エベレスト",
            ("高さは8849メートルです。", "ネパールと中国の間にあります。"),
            wrong="世界で一番高い山は富士山です。",
        ),
    ),
    (
        "What is the highest mountain in Japan?",
        W(
            "Mount Fuji is the highest mountain in Japan.",
            "Mount Fuji",
            ("It is 3,776 metres high.", "It is a volcano between Shizuoka and Yamanashi."),
            wrong="Mount Takao is the highest mountain in Japan.",
        ),
        "日本で一番高い山は何ですか？",
        W(
            "日本で一番高い山は富士山です。",
            "富士山",
            ("高さは3776メートルです。", "静岡県と山梨県にまたがる火山です。"),
            wrong="日本で一番高い山は高尾山です。",
        ),
    ),
    (
        "How high is Mount Fuji?",
        W(
            "Mount Fuji is 3,776 metres high.",
            "3,776 metres",
            ("It is the highest mountain in Japan.", "People climb it in summer."),
            wrong="Mount Fuji is 9,000 metres high.",
        ),
        "富士山の高さは何メートルですか？",
        W(
            "富士山の高さは3776メートルです。",
            "3776メートル",
            ("日本で一番高い山です。", "夏に登ることができます。"),
            wrong="富士山の高さは9000メートルです。",
        ),
    ),
    (
        "What is the longest river in the world?",
        W(
            "The Nile is usually called the longest river in the world.",
            "The Nile",
            ("It is about 6,650 kilometres long.", "It flows through Egypt into the Mediterranean Sea."),
            wrong="The Thames is the longest river in the world.",
        ),
        "世界で一番長い川は何ですか？",
        W(
            "世界で一番長い川はナイル川とされています。",
            "ナイル川",
            ("長さは約6650キロメートルです。", "エジプトを通って地中海に流れます。"),
            wrong="世界で一番長い川は多摩川です。",
        ),
    ),
    (
        "What is the longest river in Japan?",
        W(
            "The Shinano is the longest river in Japan.",
            "The Shinano",
            ("It is 367 kilometres long.", "It flows through Nagano and Niigata."),
            wrong="The Tama is the longest river in Japan.",
        ),
        "日本で一番長い川は何ですか？",
        W(
            "日本で一番長い川は信濃川です。",
            "信濃川",
            ("長さは367キロメートルです。", "長野県と新潟県を流れます。"),
            wrong="日本で一番長い川は多摩川です。",
        ),
    ),
    (
        "What is the largest country in the world?",
        W(
            "Russia is the largest country in the world by area.",
            "Russia",
            ("It has about 17 million square kilometres.", "Canada is the second largest."),
            wrong="Monaco is the largest country in the world.",
        ),
        "世界で一番大きい国はどこですか？",
        W(
            "面積で世界一大きい国はロシアです。",
            "ロシア",
            ("面積は約1700万平方キロメートルです。", "二番目はカナダです。"),
            wrong="世界で一番大きい国はモナコです。",
        ),
    ),
    (
        "What is the smallest country in the world?",
        W(
            "Vatican City is the smallest country in the world.",
            "Vatican City",
            ("It lies inside Rome.", "It is smaller than half a square kilometre."),
            wrong="Canada is the smallest country in the world.",
        ),
        "世界で一番小さい国はどこですか？",
        W(
            "世界で一番小さい国はバチカン市国です。",
            "バチカン市国",
            ("ローマの中にあります。", "面積は0.5平方キロメートルもありません。"),
            wrong="世界で一番小さい国はカナダです。",
        ),
    ),
    (
        "Which country has the most people?",
        W(
            "India has the most people in the world.",
            "India",
            ("About 1.43 billion people live there.", "China is second."),
            wrong="Iceland has the most people in the world.",
        ),
        "世界で一番人口が多い国はどこですか？",
        W(
            "世界で一番人口が多い国はインドです。",
            "インド",
            ("約14億3000万人が住んでいます。", "二番目は中国です。"),
            wrong="世界で一番人口が多い国はアイスランドです。",
        ),
    ),
    (
        "What is the largest ocean?",
        W(
            "The Pacific Ocean is the largest ocean.",
            "The Pacific Ocean",
            ("It is larger than all land together.", "Japan lies at its western edge."),
            wrong="The Arctic Ocean is the largest ocean.",
        ),
        "一番大きい海は何ですか？",
        W(
            "一番大きい海は太平洋です。",
            "太平洋",
            ("すべての陸地を合わせたより広いです。", "日本はその西の端にあります。"),
            wrong="一番大きい海は北極海です。",
        ),
    ),
    (
        "What is the largest desert?",
        W(
            "The Sahara is the largest hot desert in the world.",
            "The Sahara",
            ("It lies in the north of Africa.", "It is about as large as the United States."),
            wrong="The largest desert is in Switzerland.",
        ),
        "一番大きい砂漠は何ですか？",
        W(
            "世界最大の暑い砂漠はサハラ砂漠です。",
            "サハラ砂漠",
            ("アフリカの北部にあります。", "アメリカと同じくらいの広さです。"),
            wrong="一番大きい砂漠はスイスにあります。",
        ),
    ),
    (
        "How many countries are there in the world?",
        W(
            "There are about 195 countries in the world.",
            "About 195",
            ("193 of them are members of the United Nations.",),
            wrong="There are 12 countries in the world.",
        ),
        "世界にはいくつの国がありますか？",
        W("世界には約195の国があります。", "約195", ("そのうち193か国が国連に加盟しています。",), wrong="世界には12の国があります。"),
    ),
    (
        "How many continents are there?",
        W(
            "There are seven continents.",
            "Seven",
            ("They are Asia, Europe, Africa, North America, South America, Australia and Antarctica.",),
            wrong="There are two continents.",
        ),
        "大陸はいくつありますか？",
        W(
            "大陸は七つと数えることが多いです。",
            "七つ",
            ("アジア、ヨーロッパ、アフリカ、北アメリカ、南アメリカ、オーストラリア、南極です。",),
            wrong="大陸は二つあります。",
        ),
    ),
    (
        "How many prefectures does Japan have?",
        W("Japan has 47 prefectures.", "47", ("Hokkaido is the largest, Kagawa the smallest.",), wrong="Japan has 12 prefectures."),
        "日本には都道府県がいくつありますか？",
        W(
            "日本には47の都道府県があります。",
            "47",
            ("一番大きいのは北海道、一番小さいのは香川県です。",),
            wrong="日本には12の都道府県があります。",
        ),
    ),
    (
        "What is the largest lake in Japan?",
        W(
            "Lake Biwa is the largest lake in Japan.",
            "Lake Biwa",
            ("It is in Shiga.", "It is one of the oldest lakes in the world."),
            wrong="Lake Ashi is the largest lake in Japan.",
        ),
        "日本で一番大きい湖は何ですか？",
        W(
            "日本で一番大きい湖は琵琶湖です。",
            "琵琶湖",
            ("滋賀県にあります。", "世界でも古い湖の一つです。"),
            wrong="日本で一番大きい湖は芦ノ湖です。",
        ),
    ),
    (
        "What is the second largest city in Japan?",
        W(
            "Yokohama is the second largest city in Japan.",
            "Yokohama",
            ("About 3.8 million people live there.", "Osaka is the third."),
            wrong="Nara is the second largest city in Japan.",
        ),
        "日本で二番目に大きい都市はどこですか？",
        W(
            "日本で二番目に人口が多い市は横浜市です。",
            "横浜市",
            ("約380万人が住んでいます。", "三番目は大阪市です。"),
            wrong="日本で二番目に大きい都市は奈良市です。",
        ),
    ),
    (
        "What are the four main islands of Japan?",
        W(
            "The four main islands of Japan are Hokkaido, Honshu, Shikoku and Kyushu.",
            "Hokkaido, Honshu, Shikoku, Kyushu",
            ("Honshu is the largest; Tokyo, Kyoto and Osaka are there.",),
            wrong="Japan has only one island.",
        ),
        "日本の四つの主な島は何ですか？",
        W(
            "日本の主な四つの島は北海道、本州、四国、九州です。",
            "北海道、本州、四国、九州",
            ("一番大きいのは本州で、東京、京都、大阪があります。",),
            wrong="日本には島が一つしかありません。",
        ),
    ),
    (
        "Who wrote Hamlet?",
        W(
            "William Shakespeare wrote Hamlet.",
            "William Shakespeare",
            ("He lived in England around the year 1600.", "He also wrote Romeo and Juliet."),
            wrong="Albert Einstein wrote Hamlet.",
        ),
        "ハムレットを書いたのは誰ですか？",
        W(
            "ハムレットを書いたのはウィリアム・シェイクスピアです。",
            "シェイクスピア",
            ("1600年ごろのイギリスの劇作家です。", "ロミオとジュリエットも書きました。"),
            wrong="ハムレットを書いたのはアインシュタインです。",
        ),
    ),
    (
        "Who wrote The Tale of Genji?",
        W(
            "Murasaki Shikibu wrote The Tale of Genji.",
            "Murasaki Shikibu",
            ("She wrote it about a thousand years ago at the court in Kyoto.",),
            wrong="Natsume Soseki wrote The Tale of Genji.",
        ),
        "源氏物語を書いたのは誰ですか？",
        W(
            "源氏物語を書いたのは紫式部です。",
            "紫式部",
            ("約千年前に京都の宮廷で書かれました。",),
            wrong="源氏物語を書いたのは夏目漱石です。",
        ),
    ),
    (
        "Who wrote I Am a Cat?",
        W(
            "Natsume Soseki wrote I Am a Cat.",
            "Natsume Soseki",
            ("It appeared in 1905.", "The story is told by a cat without a name."),
            wrong="Murasaki Shikibu wrote I Am a Cat.",
        ),
        "「吾輩は猫である」を書いたのは誰ですか？",
        W(
            "「吾輩は猫である」を書いたのは夏目漱石です。",
            "夏目漱石",
            ("1905年に発表されました。", "名前のない猫が語る物語です。"),
            wrong="「吾輩は猫である」を書いたのは紫式部です。",
        ),
    ),
    (
        "Who painted the Mona Lisa?",
        W(
            "Leonardo da Vinci painted the Mona Lisa.",
            "Leonardo da Vinci",
            ("It hangs in the Louvre in Paris.",),
            wrong="Vincent van Gogh painted the Mona Lisa.",
        ),
        "モナリザを描いたのは誰ですか？",
        W(
            "モナリザを描いたのはレオナルド・ダ・ヴィンチです。",
            "レオナルド・ダ・ヴィンチ",
            ("パリのルーブル美術館にあります。",),
            wrong="モナリザを描いたのはゴッホです。",
        ),
    ),
    (
        "Who was Albert Einstein?",
        W(
            "Albert Einstein was a physicist.",
            "A physicist",
            ("He found the theory of relativity.", "He received the Nobel Prize in 1921."),
            wrong="Albert Einstein was a famous cook.",
        ),
        "アインシュタインとは誰ですか？",
        W(
            "アインシュタインは物理学者です。",
            "物理学者",
            ("相対性理論を見つけました。", "1921年のノーベル物理学賞を受けました。"),
            wrong="アインシュタインは有名な料理人です。",
        ),
    ),
    (
        "Who was the first person on the Moon?",
        W(
            "Neil Armstrong was the first person on the Moon.",
            "Neil Armstrong",
            ("He stepped onto it in July 1969.",),
            wrong="Columbus was the first person on the Moon.",
        ),
        "初めて月に立った人は誰ですか？",
        W(
            "初めて月に立った人はニール・アームストロングです。",
            "ニール・アームストロング",
            ("1969年7月のことです。",),
            wrong="初めて月に立った人はコロンブスです。",
        ),
    ),
    (
        "Who composed the Ninth Symphony?",
        W(
            "Ludwig van Beethoven composed the famous Ninth Symphony.",
            "Beethoven",
            ("In Japan it is sung at the end of the year.",),
            wrong="Mozart's dog composed the Ninth Symphony.",
        ),
        "第九を作曲したのは誰ですか？",
        W(
            "第九を作曲したのはベートーヴェンです。",
            "ベートーヴェン",
            ("日本では年末によく歌われます。",),
            wrong="第九を作曲したのはモーツァルトの犬です。",
        ),
    ),
    (
        "When did World War II end?",
        W(
            "World War II ended in 1945.",
            "1945",
            ("In Europe it ended in May, in Asia in August and September.",),
            wrong="World War II ended in 1800.",
        ),
        "第二次世界大戦はいつ終わりましたか？",
        W(
            "第二次世界大戦は1945年に終わりました。",
            "1945年",
            ("ヨーロッパでは5月、アジアでは8月から9月でした。",),
            wrong="第二次世界大戦は1800年に終わりました。",
        ),
    ),
    (
        "Who was Tokugawa Ieyasu?",
        W(
            "Tokugawa Ieyasu was the first shogun of the Edo period.",
            "The first Edo shogun",
            ("He became shogun in 1603.", "Edo, his city, is now called Tokyo."),
            wrong="Tokugawa Ieyasu was a singer.",
        ),
        "徳川家康とは誰ですか？",
        W(
            "徳川家康は江戸幕府の初代将軍です。",
            "江戸幕府の初代将軍",
            ("1603年に将軍になりました。", "江戸は今の東京です。"),
            wrong="徳川家康は歌手です。",
        ),
    ),
    (
        "What is the Olympics?",
        W(
            "The Olympics are sports games in which athletes from all over the world take part.",
            "World sports games",
            ("There are summer and winter games, each every four years.", "Tokyo held the summer games in 1964 and 2021."),
            wrong="The Olympics are a cooking contest.",
        ),
        "オリンピックとは何ですか？",
        W(
            "オリンピックは世界中の選手が参加するスポーツの祭典です。",
            "スポーツの祭典",
            ("夏と冬の大会がそれぞれ四年ごとにあります。", "東京では1964年と2021年に夏の大会がありました。"),
            wrong="オリンピックは料理の大会です。",
        ),
    ),
]

TOPICS = [(fact, 7), (overview, 2.5), (which, 1), (compare, 0.7), (yesno, 0.7), (several, 0.7), (landmark, 2.5)]
