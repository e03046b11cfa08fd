"""Cities, prefectures, festivals and proverbs: what visitors ask about Japan,
and a few cities of the world."""

from random import Random

from .core import Item, Parts, both, from_table, table

# en|ja|where en|where ja|known for en|ja|people, millions
CITY = [
    x.split("|")
    for x in """Tokyo|東京|the capital of Japan|日本の首都|Asakusa, Shibuya and the Skytree|浅草、渋谷、スカイツリー|14
Osaka|大阪|a large city in the west of Japan|西日本の大都市|takoyaki, comedy and its castle|たこ焼き、お笑い、大阪城|2.8
Kyoto|京都|the old capital of Japan|日本の昔の都|temples, shrines and gardens|寺、神社、庭園|1.4
Sapporo|札幌|the largest city of Hokkaido|北海道で一番大きい都市|its snow festival, beer and ramen|雪まつり、ビール、ラーメン|2
Nagoya|名古屋|a city between Tokyo and Osaka|東京と大阪の間の都市|its castle and miso cutlets|名古屋城と味噌カツ|2.3
Fukuoka|福岡|the largest city of Kyushu|九州で一番大きい都市|food stalls and Hakata ramen|屋台と博多ラーメン|1.6
Kobe|神戸|a port city near Osaka|大阪に近い港町|beef and its night view|神戸牛と夜景|1.5
Yokohama|横浜|a port city near Tokyo|東京に近い港町|Chinatown and the harbour|中華街と港|3.8
Nara|奈良|the capital of Japan in the eighth century|八世紀の日本の都|deer and the Great Buddha|鹿と大仏|0.35
Hiroshima|広島|a city in the west of Japan|西日本の都市|the Peace Memorial and okonomiyaki|平和記念公園とお好み焼き|1.2
Kanazawa|金沢|a city at the Sea of Japan|日本海側の都市|the garden Kenroku-en and gold leaf|兼六園と金箔|0.46
Sendai|仙台|the largest city of Tohoku|東北で一番大きい都市|beef tongue and the star festival|牛タンと七夕まつり|1.1
Naha|那覇|the capital of Okinawa|沖縄の県庁所在地|Shuri castle and blue sea|首里城と青い海|0.3
Nagasaki|長崎|a port city in Kyushu|九州の港町|its night view and castella cake|夜景とカステラ|0.4
Kamakura|鎌倉|an old town near Tokyo|東京に近い古都|the Great Buddha|鎌倉の大仏|0.17
New York|ニューヨーク|the largest city of the United States|アメリカで一番大きい都市|the Statue of Liberty|自由の女神|8.3
London|ロンドン|the capital of the United Kingdom|イギリスの首都|Big Ben and red buses|ビッグベンと赤いバス|9
Paris|パリ|the capital of France|フランスの首都|the Eiffel Tower and the Louvre|エッフェル塔とルーブル美術館|2.1
Rome|ローマ|the capital of Italy|イタリアの首都|the Colosseum|コロッセオ|2.8
Berlin|ベルリン|the capital of Germany|ドイツの首都|the Brandenburg Gate|ブランデンブルク門|3.7
Sydney|シドニー|the largest city of Australia|オーストラリアで一番大きい都市|its opera house|オペラハウス|5.3
Beijing|北京|the capital of China|中国の首都|the Forbidden City|故宮|22
Seoul|ソウル|the capital of South Korea|韓国の首都|palaces and markets|宮殿と市場|9.4
Bangkok|バンコク|the capital of Thailand|タイの首都|golden temples|金色の寺院|9
Taipei|台北|the largest city centre of Taiwan|台湾の中心都市|night markets and the tower Taipei 101|夜市と台北101|2.5
San Francisco|サンフランシスコ|a city in California|カリフォルニアの都市|the Golden Gate Bridge|ゴールデンゲートブリッジ|0.8
Los Angeles|ロサンゼルス|the largest city of California|カリフォルニアで一番大きい都市|Hollywood|ハリウッド|3.8
Shanghai|上海|the largest city of China|中国で一番大きい都市|its skyline|高層ビル群|25""".split("\n")
]


def people(m):
    m = float(m)
    return (f"{m:g} million" if m >= 1 else f"{int(m * 1e6):,}"), f"{int(m * 100)}万"


def city(r: Random) -> Item:
    e, j, w, wj, k, kj, m = r.choice(CITY)
    n, nj = people(m)
    c = r.randrange(4)
    if c < 2:
        return both(
            r,
            [
                f"Tell me about {e}.",
                f"What is {e}?",
                f"What do you know about {e}?",
                f"Describe {e}.",
                f"tell me something about {e}",
                f"{e}",
            ],
            Parts(
                f"{e} is {w}.",
                w[0].upper() + w[1:],
                (f"It is known for {k}.", f"About {n} people live there."),
                wrong=f"{e} is a small village on the Moon.",
            ),
            [
                f"{j}について教えてください。",
                f"{j}について教えて",
                f"{j}はどんな街ですか？",
                f"{j}とは？",
                f"{j}を紹介して",
                f"{j}はどんなところ？",
                f"{j}",
            ],
            Parts(f"{j}は{wj}です。", wj, (f"{kj}で知られています。", f"約{nj}人が住んでいます。"), wrong=f"{j}は月にある小さな村です。"),
            follow=[
                lambda r: both(
                    r,
                    ["What is it famous for?", "And what is special there?"],
                    Parts(f"{e} is famous for {k}.", k[0].upper() + k[1:]),
                    ["名物は？", "何で有名ですか？"],
                    Parts(f"{j}は{kj}で有名です。", kj),
                ),
                lambda r: both(
                    r,
                    ["How many people live there?", "And its population?"],
                    Parts(f"About {n} people live in {e}.", f"About {n}"),
                    ["人口は？", "何人住んでいますか？"],
                    Parts(f"{j}には約{nj}人が住んでいます。", f"約{nj}人"),
                ),
            ],
        )
    if c == 2:
        return both(
            r,
            [f"What is {e} famous for?", f"What is {e} known for?", f"What is special about {e}?"],
            Parts(f"{e} is famous for {k}.", k[0].upper() + k[1:], f"It is {w}.", wrong=f"{e} is famous for its purple snow."),
            [f"{j}は何で有名ですか？", f"{j}の名物は？", f"{j}といえば？", f"{j}の名物を教えてください。"],
            Parts(f"{j}は{kj}で有名です。", kj, f"{wj}です。", wrong=f"{j}は紫の雪で有名です。"),
        )
    return both(
        r,
        [f"How many people live in {e}?", f"What is the population of {e}?"],
        Parts(f"About {n} people live in {e}.", f"About {n}", f"It is {w}."),
        [f"{j}の人口は？", f"{j}には何人住んでいますか？"],
        Parts(f"{j}の人口は約{nj}人です。", f"約{nj}人", f"{j}は{wj}です。"),
    )


# en ja capital region ja famous-ja, comma separated
PREF = [
    x.split(" ")
    for x in """Hokkaido 北海道 札幌市 北海道 ジャガイモと雪まつり|Aomori 青森県 青森市 東北 りんごとねぶた祭|Iwate 岩手県 盛岡市 東北 わんこそば|Miyagi 宮城県 仙台市 東北 牛タンと松島|Akita 秋田県 秋田市 東北 なまはげときりたんぽ|Yamagata 山形県 山形市 東北 さくらんぼ|Fukushima 福島県 福島市 東北 桃と喜多方ラーメン|Ibaraki 茨城県 水戸市 関東 納豆|Tochigi 栃木県 宇都宮市 関東 餃子と日光|Gunma 群馬県 前橋市 関東 草津温泉|Saitama 埼玉県 さいたま市 関東 草加せんべい|Chiba 千葉県 千葉市 関東 落花生|Tokyo 東京都 新宿区 関東 浅草と渋谷|Kanagawa 神奈川県 横浜市 関東 鎌倉と箱根|Niigata 新潟県 新潟市 中部 米と酒|Toyama 富山県 富山市 中部 ホタルイカ|Ishikawa 石川県 金沢市 中部 兼六園|Fukui 福井県 福井市 中部 恐竜とカニ|Yamanashi 山梨県 甲府市 中部 ぶどうと富士山|Nagano 長野県 長野市 中部 そばと善光寺|Gifu 岐阜県 岐阜市 中部 白川郷|Shizuoka 静岡県 静岡市 中部 お茶と富士山|Aichi 愛知県 名古屋市 中部 味噌カツと自動車|Mie 三重県 津市 近畿 伊勢神宮|Shiga 滋賀県 大津市 近畿 琵琶湖|Kyoto 京都府 京都市 近畿 寺と抹茶|Osaka 大阪府 大阪市 近畿 たこ焼き|Hyogo 兵庫県 神戸市 近畿 姫路城と神戸牛|Nara 奈良県 奈良市 近畿 鹿と大仏|Wakayama 和歌山県 和歌山市 近畿 みかんと高野山|Tottori 鳥取県 鳥取市 中国 砂丘|Shimane 島根県 松江市 中国 出雲大社|Okayama 岡山県 岡山市 中国 桃と後楽園|Hiroshima 広島県 広島市 中国 牡蠣と宮島|Yamaguchi 山口県 山口市 中国 ふぐ|Tokushima 徳島県 徳島市 四国 阿波おどり|Kagawa 香川県 高松市 四国 うどん|Ehime 愛媛県 松山市 四国 みかんと道後温泉|Kochi 高知県 高知市 四国 かつお|Fukuoka 福岡県 福岡市 九州 博多ラーメン|Saga 佐賀県 佐賀市 九州 有田焼|Nagasaki 長崎県 長崎市 九州 カステラ|Kumamoto 熊本県 熊本市 九州 熊本城と阿蘇山|Oita 大分県 大分市 九州 別府温泉|Miyazaki 宮崎県 宮崎市 九州 マンゴー|Kagoshima 鹿児島県 鹿児島市 九州 桜島|Okinawa 沖縄県 那覇市 沖縄 青い海と首里城""".split(
        "|"
    )
]
REGION = {
    "北海道": "Hokkaido",
    "東北": "Tohoku",
    "関東": "Kanto",
    "中部": "Chubu",
    "近畿": "Kinki",
    "中国": "Chugoku",
    "四国": "Shikoku",
    "九州": "Kyushu",
    "沖縄": "Okinawa",
}
CAPITAL = dict(
    zip(
        [x[2] for x in PREF],
        "Sapporo Aomori Morioka Sendai Akita Yamagata Fukushima Mito Utsunomiya Maebashi Saitama Chiba Shinjuku Yokohama Niigata Toyama Kanazawa Fukui Kofu Nagano Gifu Shizuoka Nagoya Tsu Otsu Kyoto Osaka Kobe Nara Wakayama Tottori Matsue Okayama Hiroshima Yamaguchi Tokushima Takamatsu Matsuyama Kochi Fukuoka Saga Nagasaki Kumamoto Oita Miyazaki Kagoshima Naha".split(),
    )
)


def prefecture(r: Random) -> Item:
    e, j, cj, g, k = r.choice(PREF)
    z = r.choice([x for x in PREF if x[2] != cj])
    more = lambda r: both(
        r,
        ["What is its capital?", "And the capital?"],
        Parts(f"Its capital is {CAPITAL[cj]}.", CAPITAL[cj]),
        ["県庁所在地は？", "では県庁はどこ？"],
        Parts(f"{cj}です。", cj),
    )
    if r.random() < 0.5:
        return both(
            r,
            [f"What is the capital of {e} prefecture?", f"Which city is the capital of {e} prefecture?", f"Where is {e} prefecture?"],
            Parts(
                f"The capital of {e} is {CAPITAL[cj]}.",
                CAPITAL[cj],
                f"{e} lies in the region {REGION[g]}.",
                wrong=f"The capital of {e} is {CAPITAL[z[2]]}.",
            ),
            [
                f"{j}の県庁所在地は？" if j[-1] == "県" else f"{j}の都道府県庁所在地は？",
                f"{j}の県庁はどこですか？" if j[-1] == "県" else f"{j}の庁舎はどの市にありますか？",
                f"{j}はどこにありますか？",
            ],
            Parts(
                f"{j}の都道府県庁所在地は{cj}です。" if j[-1] != "県" else f"{j}の県庁所在地は{cj}です。",
                cj,
                f"{j}は{g}地方にあります。",
                wrong=f"{j}の県庁所在地は{z[2]}です。",
            ),
            follow=[more],
        )
    one = lambda q, a: both(
        r,
        [f"What region is {e} prefecture in?", f"Tell me about {e} prefecture."],
        Parts(f"{e} is a prefecture in the region {REGION[g]}.", REGION[g], f"Its capital is {CAPITAL[cj]}."),
        q,
        a,
        follow=[more],
    )
    return one(
        [f"{j}の名物は？", f"{j}について教えてください。", f"{j}は何で有名ですか？", f"{j}といえば？", f"{j}のおすすめは？"],
        Parts(
            f"{j}といえば{k}です。",
            k,
            (f"{g}地方にあり、都道府県庁所在地は{cj}です。" if j[-1] != "県" else f"{g}地方にあり、県庁所在地は{cj}です。",),
            wrong=f"{j}といえば{z[4]}です。",
        ),
    )


LIFE = table("""
q: When is Christmas? | What day is Christmas? | When is Christmas Day?
a: Christmas Day is on December 25. / In Japan people eat cake and chicken, but it is a working day.
w: December 25. | 12月25日です。
j: クリスマスはいつですか？ | クリスマスは何月何日？
b: クリスマスは12月25日です。 / 日本ではケーキとチキンを食べる人が多いです。

q: When is New Year? | What do Japanese people do at New Year? | What is oshogatsu?
a: New Year is on January 1. / In Japan families visit a shrine and eat mochi and osechi.
w: January 1. | 1月1日です。
j: お正月はいつですか？ | お正月に何をしますか？ | お正月とは？
b: お正月は1月1日からです。 / 家族で初詣に行き、おせちやお雑煮を食べます。

q: When is Halloween? | What is Halloween?
a: Halloween is on October 31. / People put on costumes and carve pumpkins.
w: October 31. | 10月31日です。
j: ハロウィンはいつですか？ | ハロウィンとは？
b: ハロウィンは10月31日です。 / 仮装をして、かぼちゃを飾ります。

q: When is Valentine's Day? | What is Valentine's Day?
a: Valentine's Day is on February 14. / In Japan women give chocolate, and on March 14 men give something back.
w: February 14. | 2月14日です。
j: バレンタインデーはいつですか？ | バレンタインデーとは？
b: バレンタインデーは2月14日です。 / 日本ではチョコレートを贈り、3月14日にお返しをします。

q: What is Tanabata? | When is Tanabata? | What is the star festival?
a: Tanabata is the star festival on July 7. / People write wishes on paper strips and hang them on bamboo.
j: 七夕とは何ですか？ | 七夕はいつですか？
b: 七夕は7月7日の星祭りです。 / 短冊に願い事を書いて笹に飾ります。

q: What is hanami? | When do the cherry trees bloom? | When is the cherry blossom season?
a: Hanami means to look at the cherry blossoms. / In Tokyo they bloom at the end of March, in Sapporo at the end of April.
j: お花見とは何ですか？ | 桜はいつ咲きますか？ | 桜の季節はいつ？
b: お花見は、桜の花を見て楽しむことです。 / 東京では三月の終わり、札幌では四月の終わりに咲きます。

q: Why is there a statue of a dog in Shibuya? | Who is Hachiko? | Tell me about Hachiko. | Who was the faithful dog Hachi?
a: Hachiko was a dog who waited for his dead master at Shibuya station for about ten years. / His statue is a famous meeting point. / My name hachi is the same word.
j: ハチ公とは？ | 忠犬ハチ公について教えて | 渋谷の犬の像は何ですか？ | ハチ公って誰？
b: ハチ公は、亡くなった飼い主を渋谷駅で約十年待ち続けた犬です。 / 像は待ち合わせ場所として有名です。 / 私の名前のhachiと同じですね。

q: What is the Shinkansen? | How fast is the Shinkansen? | Tell me about the Shinkansen.
a: The Shinkansen is the fast train of Japan. / It runs at up to 320 kilometres per hour. / The first line opened in 1964 between Tokyo and Osaka.
w: Japan's fast train. | 日本の高速鉄道です。
j: 新幹線とは何ですか？ | 新幹線の速さは？ | 新幹線について教えて
b: 新幹線は日本の高速鉄道です。 / 最高時速は320キロです。 / 1964年に東京と大阪の間で開業しました。

q: What should I eat in Japan? | What are famous Japanese foods? | What is typical Japanese food? | Recommend Japanese food.
a: Try sushi, ramen, tempura and okonomiyaki. / Every region has its own speciality. / Do not forget miso soup.
j: 日本の有名な食べ物は？ | 日本で何を食べるといいですか？ | 日本料理のおすすめは？ | おすすめの食べ物は？
b: 寿司、ラーメン、天ぷら、お好み焼きがおすすめです。 / 地方ごとに名物があります。 / 味噌汁もぜひどうぞ。

q: What is the flag of Japan? | What does the Japanese flag look like?
a: The flag of Japan is white with a red disc, which stands for the sun.
j: 日本の国旗は？ | 日本の国旗はどんな旗ですか？
b: 日本の国旗は白地に赤い丸で、太陽を表します。

q: Tell me about Mount Fuji. | What is Mount Fuji? | Can I climb Mount Fuji?
a: Mount Fuji is the highest mountain of Japan, 3,776 metres. / It can be climbed from July to September. / Its shape is famous all over the world.
w: Japan's highest mountain. | 日本一高い山です。
j: 富士山について教えて | 富士山とは？ | 富士山に登れますか？
b: 富士山は高さ3776メートルの日本一高い山です。 / 七月から九月に登れます。 / その形は世界的に有名です。

q: What does the proverb even monkeys fall from trees mean? | Tell me a Japanese proverb. | Do you know a proverb? | Give me a proverb.
a: Even monkeys fall from trees: even experts make mistakes. / In Japanese it is saru mo ki kara ochiru.
j: 猿も木から落ちるとは？ | 「猿も木から落ちる」の意味は？ | ことわざを教えて | ことわざを一つ教えてください。
b: 「猿も木から落ちる」は、名人でも失敗することがあるという意味です。

q: What does nanakorobi yaoki mean? | What does seven falls eight rises mean?
a: Nanakorobi yaoki means: fall seven times, stand up eight times. / It tells us never to give up.
j: 七転び八起きとは？ | 「七転び八起き」の意味は？
b: 「七転び八起き」は、何度失敗しても立ち上がるという意味です。

q: What does ichigo ichie mean?
a: Ichigo ichie means one time, one meeting. / Every meeting is treasured, because it never comes again.
j: 一期一会とは？ | 「一期一会」の意味は？
b: 「一期一会」は、一生に一度の出会いを大切にするという意味です。

q: What does hana yori dango mean?
a: Hana yori dango means dumplings rather than flowers. / Some things are nicer to eat than to look at.
j: 花より団子とは？ | 「花より団子」の意味は？
b: 「花より団子」は、見た目の美しさより実際に役立つものを選ぶという意味です。

q: What does ishi no ue ni mo sannen mean?
a: It means three years on a stone: patience wins in the end.
j: 石の上にも三年とは？ | 「石の上にも三年」の意味は？
b: 「石の上にも三年」は、辛抱すれば必ず成果が出るという意味です。

q: What does neko ni koban mean? | What does a gold coin for a cat mean?
a: Neko ni koban means a gold coin for a cat. / One gives something valuable to somebody who cannot use it.
j: 猫に小判とは？ | 「猫に小判」の意味は？
b: 「猫に小判」は、価値の分からない人に貴重なものを与えても無駄だという意味です。

q: What does chiri mo tsumoreba yama to naru mean? | What does dust piled up becomes a mountain mean?
a: Dust piled up becomes a mountain: many small things make a great one.
j: 塵も積もれば山となるとは？ | 「塵も積もれば山となる」の意味は？
b: 「塵も積もれば山となる」は、小さなものも積み重なれば大きくなるという意味です。
""")


def life_in_japan(r: Random) -> Item:
    return from_table(r, LIFE)


TOPICS = [(city, 3), (prefecture, 1.8), (life_in_japan, 2.2)]
