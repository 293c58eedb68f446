#include "text/builtin_labels.h"

namespace mien::text {
namespace {

using Text = std::string_view;

constexpr Text kAngry[] = {
    "an angry face: the brows pulled down hard until they nearly meet, the stare fixed",
    "an angry person glaring straight ahead from under a heavy brow, jaw set",
    "anger in a face: the lips squeezed to a thin line and the nostrils spread",
    "a furious face shouting, teeth showing, deep upright creases between the brows",
    "a face hard with anger, the eyes sharp and the lids tight",
};
constexpr Text kDisgust[] = {
    "a disgusted face: the nose scrunched up and the upper lip curled",
    "a person revolted by a bad smell, cheeks pushed up and eyes squeezed small",
    "disgust in a face: creases beside the nose, the mouth pulled down at the sides",
    "a face turning away in disgust, the tongue pushed forward between open lips",
    "a grimace of disgust, the upper lip lifted so that the gums show",
};
constexpr Text kFear[] = {
    "a frightened face: the eyes stretched wide so that white shows above the iris",
    "a scared person, the brows lifted and drawn together, the mouth pulled sideways",
    "fear in a face: the lips stretched tight and slightly apart, the neck tense",
    "a terrified face that stares without blinking, the mouth open for breath",
    "an afraid face shrinking back, the forehead creased in its middle",
};
constexpr Text kHappy[] = {
    "a happy face: the corners of the mouth pulled up and the cheeks lifted",
    "a smiling person, small folds beside bright eyes",
    "happiness in a face: a broad grin that shows the upper teeth",
    "a laughing face, the mouth wide open and the eyes nearly shut with joy",
    "a cheerful face with a warm, easy smile",
};
constexpr Text kNeutral[] = {
    "a neutral face: the mouth closed and level, nothing raised, nothing drawn",
    "a person with a calm, plain face and no visible emotion",
    "a blank face, the brows at rest and the gaze even",
    "a face at rest, as in a passport photo, without a smile or a frown",
    "an expressionless face, all its muscles loose",
};
constexpr Text kSad[] = {
    "a sad face: the corners of the mouth sink and the lower lip is pushed out",
    "a sorrowful person, the inner ends of the brows tilted upward",
    "sadness in a face: heavy upper lids and a dull, lowered look",
    "a crying face, the eyes wet and the chin puckered",
    "an unhappy face that hangs, the cheeks slack and the mouth bent down",
};
constexpr Text kSurprise[] = {
    "a surprised face: the brows shot up high and round above wide eyes",
    "an astonished person whose jaw has dropped, the mouth a loose oval",
    "surprise in a face: level lines across the forehead and round open eyes",
    "a startled face, lips apart as if to say oh",
    "an amazed face, everything lifted and open",
};
constexpr Text kContempt[] = {
    "a contemptuous face: one corner of the mouth tucked in and lifted, the other still",
    "a scornful person looking down the nose with half shut eyes",
    "contempt in a face: a lopsided smirk without warmth",
    "a sneering face, a single brow cocked and the head tipped back",
    "a disdainful face, the mouth skewed and the eyes unimpressed",
};
constexpr Text kAnxiety[] = {
    "an anxious face: the brows knotted together, the eyes darting aside",
    "a worried person biting the lower lip, the forehead tight",
    "anxiety in a face: strained cheeks, the lips rolled inward",
    "a nervous face that cannot rest, swallowing, the look uneasy",
    "a tense, uneasy face waiting for something bad",
};
constexpr Text kHelplessness[] = {
    "a helpless face: the brows slant up in the middle, the eyes plead",
    "a person who does not know what to do, lips parted and the gaze lost",
    "helplessness in a face: the mouth slack, the look sunk to the ground",
    "a powerless face giving up, with a faint shrug and tired eyes",
    "an overwhelmed face, empty-eyed, the corners of the mouth drooping",
};
constexpr Text kDisappointment[] = {
    "a disappointed face: the lips pushed together and to one side, the eyes cast down",
    "a person let down, breathing out, the smile gone from the mouth",
    "disappointment in a face: slightly lowered brows above tired, averted eyes",
    "a disheartened face, the head tilted down, the mouth flat and pulled at its ends",
    "a dissatisfied face that had hoped for more, with a weak frown",
};

// What mouth, brows and eyes do, in the words of captions on the shape of a face (data/geometry.h);
// no word for an expression.
constexpr Text kAngryShape[] = {
    "A face with the brows lowered, the brows drawn together and the lips pressed together.",
    "The face has the brows pulled down hard and narrow eyes.",
    "A face with a deep frown between the brows and tight lips.",
};
constexpr Text kDisgustShape[] = {
    "A face with the brows lowered, the eyes narrowed and the mouth bent down.",
    "The face has tightly narrowed eyes and a downturned mouth.",
    "A face with the eyes squeezed, a furrowed brow and the lips apart.",
};
constexpr Text kFearShape[] = {
    "A face with very wide eyes, the inner ends of the brows pulled up and the mouth stretched.",
    "The face has the eyes wide open, the brows raised and drawn together and the lips apart.",
    "A face with staring wide eyes and a worried slant of the brows.",
};
constexpr Text kHappyShape[] = {
    "A face with a broad smile.",
    "The face has the corners of the mouth pulled up and the mouth stretched wide.",
    "A face with a smile and a wide mouth.",
};
constexpr Text kNeutralShape[] = {
    "A face with the mouth closed and the brows at rest.",
    "The face has a closed mouth and relaxed eyebrows.",
    "A face with the lips together and a smooth forehead.",
};
constexpr Text kSadShape[] = {
    "A face with the inner ends of the brows pulled up and the corners of the mouth lowered.",
    "The face has a downturned mouth, the eyelids lowered and a worried slant of the brows.",
    "A face with the mouth bent down and the brows slanting up in the middle.",
};
constexpr Text kSurpriseShape[] = {
    "A face with the brows raised high, very wide eyes and the jaw dropped.",
    "The face has the brows shot up, the eyes wide open and the mouth open.",
    "A face with raised eyebrows and a gaping mouth.",
};

constexpr Text kAngryAliases[] = {"anger"};
constexpr Text kDisgustAliases[] = {"disgusted"};
constexpr Text kFearAliases[] = {"afraid", "fearful"};
constexpr Text kHappyAliases[] = {"happiness"};
constexpr Text kSadAliases[] = {"sadness"};
constexpr Text kSurpriseAliases[] = {"surprised"};
constexpr Text kContemptAliases[] = {"contemptuous"};
constexpr Text kAnxietyAliases[] = {"anxious"};
constexpr Text kHelplessnessAliases[] = {"helpless"};
constexpr Text kDisappointmentAliases[] = {"disappointed"};

constexpr BuiltinLabel kLabels[] = {
    {"angry", kAngry, kAngryAliases},
    {"disgust", kDisgust, kDisgustAliases},
    {"fear", kFear, kFearAliases},
    {"happy", kHappy, kHappyAliases},
    {"neutral", kNeutral, {}},
    {"sad", kSad, kSadAliases},
    {"surprise", kSurprise, kSurpriseAliases},
    {"contempt", kContempt, kContemptAliases},
    {"anxiety", kAnxiety, kAnxietyAliases},
    {"helplessness", kHelplessness, kHelplessnessAliases},
    {"disappointment", kDisappointment, kDisappointmentAliases},
};

constexpr BuiltinLabel kShapes[] = {
    {"angry", kAngryShape, {}},       {"disgust", kDisgustShape, {}}, {"fear", kFearShape, {}},
    {"happy", kHappyShape, {}},       {"neutral", kNeutralShape, {}}, {"sad", kSadShape, {}},
    {"surprise", kSurpriseShape, {}},
};

}  // namespace

std::span<const BuiltinLabel> builtin_labels() { return kLabels; }
std::span<const BuiltinLabel> builtin_shapes() { return kShapes; }

}  // namespace mien::text
